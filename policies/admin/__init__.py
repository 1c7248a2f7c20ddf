"""The policy's tables and their history. Importing it registers the pages."""

from audit import history
from policies.admin import people
from policies.admin.publishing import loosenings, versions
from policies.admin.surfaces import tables as surfaces
from policies.admin.tables import agent, checks, connector, mandate, rule, timing, tuning
from policies.models import (
    Agent,
    Calendar,
    Connector,
    Escalation,
    Guardrail,
    KillSwitch,
    Limit,
    Mandate,
    PolicyTest,
    Requirement,
    Rule,
    Surface,
    Tier,
    Tuning,
)

history.register(
    Surface,
    Tier,
    Agent,
    Mandate,
    Connector,
    KillSwitch,
    Rule,
    Limit,
    Guardrail,
    Requirement,
    PolicyTest,
    Calendar,
    Escalation,
    Tuning,
)

__all__ = [
    "agent",
    "checks",
    "connector",
    "loosenings",
    "mandate",
    "people",
    "rule",
    "surfaces",
    "timing",
    "tuning",
    "versions",
]
