"""The portal's settings for tests: a trial's, with its own state, and fast passwords."""

import os
from pathlib import Path

_STATE = Path(__file__).resolve().parent.parent / "var" / "test"

# Programs that tests start inherit these.
os.environ.setdefault("DEBUG", "true")
os.environ.setdefault("VAR_DIR", str(_STATE))
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")

from hitlportal.settings import *  # noqa: E402

# Tests make a ledger each, and none goes on from another.
LEDGER_KEEPSAKE = None

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
