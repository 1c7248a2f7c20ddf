"""Kinds of ledger entries about the policy, agents, connectors, and what people may do."""

from typing import Final

from policies.entry_kinds import accounts, registry, tables

KINDS: Final = (*registry.KINDS, *accounts.KINDS, *tables.KINDS)

__all__ = ["KINDS"]
