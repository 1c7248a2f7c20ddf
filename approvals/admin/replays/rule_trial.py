"""Hand past proposals to the page on which somebody tries a rule."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User

from approvals.people import eligibility
from policies.admin.tables import rule_trial
from policies.facts import stored_facts
from policies.facts.facts import Facts
from policies.facts.stored_facts import FactsUnreadable
from policies.publishing.publish import active_policy

MOST: Final = 25


class RecentProposals:
    """The newest proposals that a person may see."""

    def recent(self, person: User) -> Sequence[tuple[str, str]]:
        """Return `(id, title)`, newest first."""
        rows = eligibility.visible(person).order_by("-id").values_list("pk", "surface", "title", "amount")[:MOST]
        return [
            (str(pk), f"{surface}: {title}" + (f" ({amount:,.2f})" if amount is not None else ""))
            for pk, surface, title, amount in rows
        ]

    def facts(self, person: User, proposal: str) -> Facts | None:
        """Return the facts of the proposal's current verdict."""
        try:
            recent = eligibility.visible(person).select_related("revision", "verdict").filter(pk=UUID(proposal)).first()
        except ValueError:
            return None
        if recent is None:
            return None
        surface = active_policy().surfaces.get(recent.surface_id)
        try:
            return stored_facts.read(
                recent.verdict.facts,
                payload=recent.revision.payload,
                before=recent.revision.before,
                at=recent.verdict.at,
                zone=ZoneInfo(surface.time_zone) if surface else None,
            )
        except FactsUnreadable:
            return None


rule_trial.use(RecentProposals())
