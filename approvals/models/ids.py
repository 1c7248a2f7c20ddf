import uuid

import uuid_utils.compat


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562): unique, and in the order of making."""
    return uuid_utils.compat.uuid7()
