"""Checks on the content of payloads: phrases, links, personal data, hidden characters. PURE."""

from policies.guardrails.guardrail import GuardrailEffect, GuardrailFinding, GuardrailInvalid, GuardrailPolicy
from policies.guardrails.kinds.registry import CONFIG_SCHEMAS, GuardrailKind, config_problems
from policies.guardrails.rows import RowFindings, together
from policies.guardrails.running import checklist, for_surface, run
from policies.guardrails.text.paths import texts

__all__ = [
    "CONFIG_SCHEMAS",
    "GuardrailEffect",
    "GuardrailFinding",
    "GuardrailInvalid",
    "GuardrailKind",
    "GuardrailPolicy",
    "RowFindings",
    "checklist",
    "config_problems",
    "for_surface",
    "run",
    "texts",
    "together",
]
