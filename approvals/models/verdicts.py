"""The verdicts of people, one row each: forms, keys, batches, votes, figures, SQL and the API read them from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from approvals.models.states import CLEARED, State

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Words: TypeAlias = "str | _StrPromise"
OPTIONAL: Final = _("Comment (optional)")


class DecisionVerdict(models.TextChoices):
    APPROVE = "approve", _("Approved")
    REJECT = "reject", _("Rejected")
    SEND_BACK = "send_back", _("Sent back")
    TAKE_OVER = "take_over", _("Took over")
    UNDO = "undo", _("Decision undone")
    ROLL_BACK = "roll_back", _("Rolled back")
    RETRY = "retry", _("Retried")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A verdict that people choose: its button, the form behind it, and what the form must bring along."""

    button: Words
    unfold: Words = ""
    """The button that unfolds the form, where the form is not open anyway."""
    style: str = ""
    note: Words = ""
    key: str
    """The key of the desk."""
    key_help: Words
    comment: Words = OPTIONAL
    comment_rows: int = 2
    reason_missing: Words = ""
    """Said where no reason was chosen; empty where none is needed."""
    comment_missing: Words = ""
    """Said where nothing was written; empty where nothing need be."""
    is_in_messages: bool = False
    """Whether it is offered by a link or a button in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWords:
    """The words of a verdict for many proposals at once. Three of them take the number."""

    button: Words
    style: str
    title: Promise
    confirm: Words
    recorded: Promise
    each: Words
    undo_note: Words
    reason_missing: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictKind:
    """All that the portal knows of one verdict."""

    entry: str
    """The kind of its ledger entry."""
    mark: str = "plain"
    """The colour of its dot in the history."""
    choice: Choice | None = None
    batch: BatchWords | None = None
    is_vote: bool = False
    """Whether it is counted with others; else `transition` settles it at once."""
    is_approval: bool = False
    transition: str = ""
    """The method of Proposal that follows it."""
    state: State | None = None
    """What the proposal is once it has settled it."""
    settled_by: Words = ""
    """Stands before the names of those who settled it."""

    @property
    def states(self) -> tuple[State, ...]:
        """The states a proposal may be in once this verdict has settled it, until something else does."""
        if self.state is None:
            return ()
        return CLEARED if self.state in CLEARED else (self.state,)


VERDICTS: Final[Mapping[DecisionVerdict, VerdictKind]] = MappingProxyType(
    {
        DecisionVerdict.APPROVE: VerdictKind(
            entry="proposal.decided",
            mark="good",
            choice=Choice(
                button=_("Approve"),
                style="primary",
                key="a",
                key_help=_("Approve; where something has to be ticked or signed first, go there"),
                is_in_messages=True,
            ),
            batch=BatchWords(
                button=_("Approve"),
                style="primary",
                title=ngettext_lazy("Approve %s proposal?", "Approve %s proposals?"),
                confirm=_("Yes, approve %s"),
                recorded=ngettext_lazy("%s approval recorded", "%s approvals recorded"),
                each=_("Each one is approved and recorded separately. If one fails, the others still go through."),
                undo_note=_(
                    "You can undo an approval until it starts shipping. After that, roll it back on its own page."
                ),
            ),
            is_vote=True,
            is_approval=True,
            state=State.APPROVED,
            settled_by=_("Approved by"),
        ),
        DecisionVerdict.REJECT: VerdictKind(
            entry="proposal.decided",
            mark="stop",
            choice=Choice(
                button=_("Reject"),
                unfold=_("Reject…"),
                style="danger",
                key="r",
                key_help=_("Reject: choose why"),
                comment=_("Comment"),
                reason_missing=_("Choose why you reject it."),
                is_in_messages=True,
            ),
            batch=BatchWords(
                button=_("Reject"),
                style="danger",
                title=ngettext_lazy("Reject %s proposal?", "Reject %s proposals?"),
                confirm=_("Yes, reject %s"),
                recorded=ngettext_lazy("%s rejection recorded", "%s rejections recorded"),
                each=_("Each one is rejected and recorded separately, with the same reason."),
                undo_note=_("You can undo a rejection until its deadline."),
                reason_missing=_("Choose why you reject them."),
            ),
            is_vote=True,
            state=State.REJECTED,
            settled_by=_("Rejected by"),
        ),
        DecisionVerdict.SEND_BACK: VerdictKind(
            entry="proposal.decided",
            mark="person",
            choice=Choice(
                button=_("Send back to the agent"),
                unfold=_("Send back…"),
                key="s",
                key_help=_("Send back: write what to change"),
                comment=_("What the agent should change"),
                comment_rows=3,
                comment_missing=_("Tell the agent what to change."),
                is_in_messages=True,
            ),
            transition="send_back",
            state=State.RETURNED,
            settled_by=_("Sent back by"),
        ),
        DecisionVerdict.TAKE_OVER: VerdictKind(
            entry="proposal.decided",
            choice=Choice(
                button=_("Take over"),
                unfold=_("Take over…"),
                note=_("You do it by hand. It never ships from the portal, and it doesn’t count against the agent."),
                key="t",
                key_help=_("Take over"),
            ),
            transition="take_over",
            state=State.TAKEN_OVER,
            settled_by=_("Taken over by"),
        ),
        DecisionVerdict.UNDO: VerdictKind(entry="proposal.undone"),
        DecisionVerdict.ROLL_BACK: VerdictKind(entry="proposal.rollback_ordered", mark="stop"),
        DecisionVerdict.RETRY: VerdictKind(entry="proposal.retried", mark="good"),
    }
)

CHOICES: Final = {verdict: kind.choice for verdict, kind in VERDICTS.items() if kind.choice}
"""The verdicts that people choose, in the order in which they are shown."""
IN_MESSAGES: Final = tuple(verdict for verdict, choice in CHOICES.items() if choice.is_in_messages)
BATCHES: Final = {verdict: kind.batch for verdict, kind in VERDICTS.items() if kind.batch}
VOTES: Final = tuple(verdict for verdict, kind in VERDICTS.items() if kind.is_vote)
SETTLED: Final = {state: verdict for verdict, kind in VERDICTS.items() for state in kind.states}
"""Which verdict people gave on what is in a state that they settle."""
ENDING: Final = tuple(verdict for verdict in CHOICES if VERDICTS[verdict].state is not State.RETURNED)
"""What ends the wait; what is sent back goes on waiting."""
