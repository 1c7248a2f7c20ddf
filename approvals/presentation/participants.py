"""Say briefly who a proposal waits for, who settled it, and whose approvals it needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from approvals.models import OPEN, Decision, Proposal, State
from approvals.models.verdicts import SETTLED, VERDICTS
from approvals.people import votes
from approvals.people.tally import Need, Requirement, explain
from approvals.presentation import words

MOST_NAMES: Final = 3
USUAL: Final = "owner"
"""What the policy calls the approval of a surface's owner role where no row asks for any."""


@dataclass(frozen=True, slots=True)
class Decided:
    """How far the decision is, as `Needs` and whom; `who` is empty where `what` says it all."""

    what: str
    who: str = ""


def decided(proposal: Proposal, state: State) -> Decided | None:
    """Return for whom a proposal waits or who settled it; None where its state says enough.

    One query, or none while a single approval is all that is needed.
    """
    if state in OPEN:
        return Decided(_("Needs"), waits_for(proposal))
    if state in SETTLED:
        verdict = SETTLED[state]
        names = _names(proposal, verdict)
        return Decided(str(VERDICTS[verdict].settled_by), names) if names else Decided(_("By the policy"))
    return Decided(_("By the policy")) if state == State.BLOCKED else None


def waits_for(proposal: Proposal) -> str:
    """Return the roles whose approvals are missing now, of the stages that are open."""
    rows = votes.required(proposal)
    explanation = explain(rows, ())
    # With one approval to give, anybody's would have settled it.
    if len(explanation.needs) != 1 or explanation.needs[0].missing != 1:
        explanation = votes.explained(proposal)
    needs = [need for need in explanation.unmet if need.is_open]
    who = spoken(needs) if needs else ", ".join(sorted(proposal.roles()))
    missing = sum(need.missing for need in needs)
    return _("%(number)s approvals: %(who)s") % {"number": missing, "who": who} if missing > 1 else who


def spoken(needs: Sequence[Need]) -> str:
    """Return whose approvals are meant, as one says it: `(Finance or Executive) and Legal`."""
    groups = list(dict.fromkeys(tuple(row.role for row in _natural(need)) for need in needs))
    names = [_(" or ").join(roles) for roles in groups]
    if len(groups) > 1:
        names = [f"({name})" if len(roles) > 1 else name for name, roles in zip(names, groups, strict=True)]
    return words.joined(names)


def needs(proposal: Proposal) -> str:
    """Return whose approvals a proposal needs: those of one name as alternatives, a number only above one."""
    explanation = explain(votes.required(proposal), ())
    return " · ".join(_(" or ").join(map(_counted, _natural(need))) for need in explanation.needs)


def may_reject(proposal: Proposal) -> str:
    """Return the roles that are asked for no approval but may reject."""
    rows = votes.required(proposal)
    roles = {row.role for row in rows if row.approvals}
    return ", ".join(sorted({row.role for row in rows} - roles))


def called(need: Need) -> str:
    """Return what an approval is called: as the policy names it, or after the role where the policy does not."""
    if need.name == USUAL or need.name.startswith(f"{USUAL} ("):
        return _(" or ").join(need.roles)
    return need.name


def _natural(need: Need) -> Iterable[Requirement]:
    """Return the alternatives, first the role after which the approval is named."""
    return sorted(need.alternatives, key=lambda row: (row.role != need.name, row.role))


def _counted(row: Requirement) -> str:
    return row.role if row.approvals == 1 else f"{row.approvals} × {row.role}"


def _names(proposal: Proposal, verdict: Decision.Verdict) -> str:
    """Return who said `verdict` of the current revision since the last undo, as their names were recorded."""
    decisions = proposal.decisions.filter(revision=proposal.revision_id).order_by("at", "id")
    names: dict[str, None] = {}
    for each, name in decisions.values_list("verdict", "by_name"):
        if each == Decision.Verdict.UNDO:
            names.clear()
        elif each == verdict:
            names[name] = None
    return _shortened(list(names))


def _shortened(names: Sequence[str]) -> str:
    text = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return text if more <= 0 else _("%(some)s and %(more)s more") % {"some": text, "more": more}
