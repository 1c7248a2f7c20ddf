"""Kinds of ledger entries about the way into the portal."""

from typing import Final

from hitlportal.entry_kinds import accounts

KINDS: Final = accounts.KINDS

__all__ = ["KINDS"]
