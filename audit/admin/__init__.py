"""What compliance staff see of the ledger. Importing it registers the pages."""

from audit.admin import entries

__all__ = ["entries"]
