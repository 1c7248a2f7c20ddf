"""What differs between two policy documents, in plain words, and whether it loosens anything. PURE."""

from policies.comparison.change import Change, Direction
from policies.comparison.comparing import compare, is_loosening

__all__ = ["Change", "Direction", "compare", "is_loosening"]
