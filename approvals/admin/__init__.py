"""The review desk and every other page on which people work. Importing it registers them."""

from approvals.admin.records import dispatches, notifications, proposals
from approvals.admin.replays import rule_trial

__all__ = ["dispatches", "notifications", "proposals", "rule_trial"]
