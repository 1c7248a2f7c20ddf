from approvals.models.absence import Absence
from approvals.models.answer import IdempotentAnswer
from approvals.models.assessment import Assessment
from approvals.models.callback import Callback
from approvals.models.conflict import Conflict, LastShipped
from approvals.models.decision import Decision
from approvals.models.dispatch import Attempt, Dispatch
from approvals.models.heartbeat import Heartbeat
from approvals.models.limit_total import LimitDefinition, LimitEntry, LimitTotal
from approvals.models.notice import (
    ASKING,
    ChannelHealth,
    Notice,
    NoticeDelivery,
    NoticeKind,
    Occasion,
    OutsideAddress,
    ReportDelivery,
)
from approvals.models.outcome import Outcome
from approvals.models.preference import NoticeRule, Pace, Preference, Reachability
from approvals.models.proposal import Proposal
from approvals.models.reevaluation import Reevaluation
from approvals.models.revision import Revision, Verdict
from approvals.models.sample import Sample
from approvals.models.slack import SlackAnswer, SlackCall, SlackLink, SlackMessage
from approvals.models.states import CLEARED, OPEN, WAITING, DispatchStatus, State
from approvals.models.timer import Timer
from approvals.models.token import DecisionToken
from approvals.models.trust import Demotion, Recommendation, TrustCase, TrustCount, TrustFigures, TrustProgress
from approvals.models.turn import Assignment, Presence, SavedFilter, Snooze
from approvals.models.upload import Upload, UploadChunk, UploadScan

__all__ = [
    "ASKING",
    "CLEARED",
    "OPEN",
    "WAITING",
    "Absence",
    "Assessment",
    "Assignment",
    "Attempt",
    "Callback",
    "ChannelHealth",
    "Conflict",
    "Decision",
    "DecisionToken",
    "Demotion",
    "Dispatch",
    "DispatchStatus",
    "Heartbeat",
    "IdempotentAnswer",
    "LastShipped",
    "LimitDefinition",
    "LimitEntry",
    "LimitTotal",
    "Notice",
    "NoticeDelivery",
    "NoticeKind",
    "NoticeRule",
    "Occasion",
    "Outcome",
    "OutsideAddress",
    "Pace",
    "Preference",
    "Presence",
    "Proposal",
    "Reachability",
    "Recommendation",
    "Reevaluation",
    "ReportDelivery",
    "Revision",
    "Sample",
    "SavedFilter",
    "SlackAnswer",
    "SlackCall",
    "SlackLink",
    "SlackMessage",
    "Snooze",
    "State",
    "Timer",
    "TrustCase",
    "TrustCount",
    "TrustFigures",
    "TrustProgress",
    "Upload",
    "UploadChunk",
    "UploadScan",
    "Verdict",
]
