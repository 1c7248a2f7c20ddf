from approvals.models.absence import Absence
from approvals.models.answer import IdempotentAnswer
from approvals.models.assessment import Assessment
from approvals.models.callback import Callback
from approvals.models.conflict import Conflict, LastShipped
from approvals.models.decision import Decision
from approvals.models.dispatch import Attempt, Dispatch
from approvals.models.limit_total import LimitDefinition, LimitEntry, LimitTotal
from approvals.models.outcome import Outcome
from approvals.models.proposal import Proposal
from approvals.models.reevaluation import Reevaluation
from approvals.models.revision import Revision, Verdict
from approvals.models.sample import Sample
from approvals.models.states import CLEARED, OPEN, WAITING, DispatchStatus, State
from approvals.models.timer import Timer
from approvals.models.turn import Assignment, Presence, SavedFilter, Snooze

__all__ = [
    "CLEARED",
    "OPEN",
    "WAITING",
    "Absence",
    "Assessment",
    "Assignment",
    "Attempt",
    "Callback",
    "Conflict",
    "Decision",
    "Dispatch",
    "DispatchStatus",
    "IdempotentAnswer",
    "LastShipped",
    "LimitDefinition",
    "LimitEntry",
    "LimitTotal",
    "Outcome",
    "Presence",
    "Proposal",
    "Reevaluation",
    "Revision",
    "Sample",
    "SavedFilter",
    "Snooze",
    "State",
    "Timer",
    "Verdict",
]
