"""Where people review proposals. Importing it registers the pages."""

from approvals.admin import trying
from approvals.admin.records import dispatches, notifications, proposal_history, proposals

__all__ = ["dispatches", "notifications", "proposal_history", "proposals", "trying"]
