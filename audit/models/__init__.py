from audit.models.entry import Entry
from audit.models.tree import Checkpoint, Leaf, SequencerMark, Tile
from audit.models.verification import Verification

__all__ = ["Checkpoint", "Entry", "Leaf", "SequencerMark", "Tile", "Verification"]
