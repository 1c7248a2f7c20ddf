"""Rules: what they match, and what follows. PURE."""

from collections.abc import Iterator, Mapping

from policies.comparison.change import LOOSER, NEUTRAL, TIGHTER, Change, Direction, Row
from policies.comparison.matching import RULE, MatchReach, covers
from policies.comparison.tiers import DENIED, Ladder, Strictness
from policies.facts.reasons import PolicyOutcome

_REPLACES = "its approvals take the place of the usual ones"
_MILDER = "beside it another rule allows more"
_DOUBT = "what is doubtful would be reviewed less closely"


class Rules:
    """Compares the rules of two documents; tiers are as the new one has them."""

    def __init__(
        self, old: Mapping[str, Row], new: Mapping[str, Row], ladder: Ladder, surfaces: Mapping[str, Row]
    ) -> None:
        """Take both tables of rules, and the tiers and surfaces of the new document."""
        self._old, self._new, self._ladder = old, new, ladder
        self._reviewed_in_batches = [
            slug for slug, row in surfaces.items() if ladder.is_short_of_doubt(row["tier"]) and row["is_enabled"]
        ]

    def changes(self) -> Iterator[Change]:
        """Yield what differs."""
        for slug in sorted({*self._old, *self._new}):
            before, after = self._old.get(slug), self._new.get(slug)
            if before is None and after is not None:
                yield Change("rule", slug, "", None, after, *self._added(after))
            elif after is None and before is not None:
                yield Change("rule", slug, "", before, None, *self._removed(before))
            elif before is not None and after is not None and before != after:
                yield from self._changed(slug, before, after)

    def _added(self, row: Row) -> tuple[Direction, str]:
        if row["decision"] == PolicyOutcome.ALLOW:
            return LOOSER, ""
        if row["decision"] == PolicyOutcome.DENY:
            return TIGHTER, ""
        if row["requirements"]:
            return LOOSER, _REPLACES
        return (LOOSER, _DOUBT) if self._is_short_of_doubt(row) else (TIGHTER, "")

    def _removed(self, row: Row) -> tuple[Direction, str]:
        return (LOOSER, "") if row["decision"] != PolicyOutcome.ALLOW else self._allows_less(row)

    def _allows_less(self, row: Row) -> tuple[Direction, str]:
        """Judge that a rule allows less often than it did.

        Of several rules that allow, the strictest counts. So one may hold back another that allows more. And
        what starts out automatic is reviewed one by one where it is doubtful, so that on a surface whose usual
        review is milder, doubtful proposals would get less of it.
        """
        if any(not row["surfaces"] or covers(row["surfaces"], [slug]) for slug in self._reviewed_in_batches):
            return LOOSER, _DOUBT
        own = self._effect(row)
        others = (other for other in self._new.values() if other["decision"] == PolicyOutcome.ALLOW)
        return (LOOSER, _MILDER) if any(self._effect(other) < own for other in others) else (TIGHTER, "")

    def _is_short_of_doubt(self, row: Row) -> bool:
        return row["tier"] is not None and self._ladder.is_short_of_doubt(row["tier"])

    def _effect(self, row: Row) -> Strictness:
        if row["decision"] == PolicyOutcome.DENY:
            return DENIED
        usual = self._ladder.automatic if row["decision"] == PolicyOutcome.ALLOW else self._ladder.single
        return self._ladder.strictness(row["tier"] or usual)

    def _changed(self, slug: str, before: Row, after: Row) -> Iterator[Change]:
        for name, compare in RULE.items():
            if before[name] != after[name]:
                judged = self._reach(before, after, compare(before[name], after[name]))
                yield Change("rule", slug, name, before[name], after[name], *judged)
        effect = self._effects(before, after)
        for name in ("decision", "tier"):
            if before[name] != after[name]:
                yield Change("rule", slug, name, before[name], after[name], *effect)
        if before["requirements"] != after["requirements"]:
            # A rule that does not ask for approvals has no use for them.
            idle = after["decision"] != "require_approval" and before["decision"] == after["decision"]
            direction = NEUTRAL if idle else LOOSER
            yield Change("rule", slug, "requirements", before["requirements"], after["requirements"], direction)
        if before["reason"] != after["reason"]:
            yield Change("rule", slug, "reason", before["reason"], after["reason"], NEUTRAL)

    def _reach(self, before: Row, after: Row, reach: MatchReach) -> tuple[Direction, str]:
        """Judge a match that reaches further or less far, by what the rule says where it holds."""
        if reach is MatchReach.SAME:
            return NEUTRAL, ""
        if {before["decision"], after["decision"]} == {PolicyOutcome.ALLOW}:
            return self._allows_less(after) if reach is MatchReach.NARROWER else (LOOSER, "")
        if PolicyOutcome.ALLOW in {before["decision"], after["decision"]} or reach is not MatchReach.WIDER:
            return LOOSER, ""
        return self._added(after)

    def _effects(self, before: Row, after: Row) -> tuple[Direction, str]:
        if before["decision"] == PolicyOutcome.ALLOW and after["decision"] != PolicyOutcome.ALLOW:
            stopped, added = self._allows_less(before), self._added(after)
            return stopped if stopped[0] is LOOSER else added
        if after["decision"] == PolicyOutcome.ALLOW != before["decision"]:
            return LOOSER, ""
        was, now = self._effect(before), self._effect(after)
        if was == now:
            return NEUTRAL, ""
        return (TIGHTER, "") if now > was else (LOOSER, "")
