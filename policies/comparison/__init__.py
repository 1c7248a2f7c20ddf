"""Differences between two policy documents in plain words, and whether any loosens. PURE."""

from policies.comparison.change import Change, Direction
from policies.comparison.comparing import compare, is_loosening

__all__ = ["Change", "Direction", "compare", "is_loosening"]
