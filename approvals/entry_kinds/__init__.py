"""Kinds of ledger entries about proposals and those who work with them."""

from typing import Final

from approvals.entry_kinds import beside, proposals

KINDS: Final = (*proposals.KINDS, *beside.KINDS)

__all__ = ["KINDS"]
