"""The policy's tables and their history. Importing it registers the pages."""

from audit import history
from policies.admin import people
from policies.admin.publishing import loosenings, versions
from policies.admin.tables import agent, checks, connector, mandate, rule, surface, timing
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
)

__all__ = ["agent", "checks", "connector", "loosenings", "mandate", "people", "rule", "surface", "timing", "versions"]
