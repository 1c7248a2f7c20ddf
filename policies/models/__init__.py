from policies.models.access_change import AccessChange
from policies.models.agent import Agent, ApiKey
from policies.models.calendar import Calendar
from policies.models.connector import Connector
from policies.models.escalation import Escalation
from policies.models.guardrail import Guardrail
from policies.models.limit import Limit, LimitEffect
from policies.models.loosening import Loosening
from policies.models.mandate import Mandate
from policies.models.policy_test import PolicyTest
from policies.models.replay_run import ReplayRun
from policies.models.requirement import Requirement
from policies.models.rule import Rule
from policies.models.standing_approval import StandingApproval
from policies.models.surface import Surface
from policies.models.switch import EVERYWHERE, KillSwitch
from policies.models.tier import Tier
from policies.models.tuning import Tuning
from policies.models.version import Activation, PolicyVersion

__all__ = [
    "EVERYWHERE",
    "AccessChange",
    "Activation",
    "Agent",
    "ApiKey",
    "Calendar",
    "Connector",
    "Escalation",
    "Guardrail",
    "KillSwitch",
    "Limit",
    "LimitEffect",
    "Loosening",
    "Mandate",
    "PolicyTest",
    "PolicyVersion",
    "ReplayRun",
    "Requirement",
    "Rule",
    "StandingApproval",
    "Surface",
    "Tier",
    "Tuning",
]
