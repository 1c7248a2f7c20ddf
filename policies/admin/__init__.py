"""The policy's tables and their history. Importing it registers the pages."""

from audit import history
from policies.admin import agent, checks, connector, loosening, mandate, people, rule, surface, timing, version
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

__all__ = ["agent", "checks", "connector", "loosening", "mandate", "people", "rule", "surface", "timing", "version"]
