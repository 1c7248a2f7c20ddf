"""Where people review proposals. Importing it registers the pages."""

from approvals.admin import past, proposal, shipping, telling, trying

__all__ = ["past", "proposal", "shipping", "telling", "trying"]
