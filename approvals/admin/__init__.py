"""Where people review proposals. Importing it registers the pages."""

from approvals.admin.records import dispatches, notifications, proposal_history, proposals
from approvals.admin.replays import rule_trial

__all__ = ["dispatches", "notifications", "proposal_history", "proposals", "rule_trial"]
