"""Pages of the ledger for compliance staff. Importing it registers them."""

from audit.admin import entries

__all__ = ["entries"]
