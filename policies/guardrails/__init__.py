"""Checks on the content of payloads: phrases, links, personal data, hidden characters. PURE."""

from policies.guardrails.guardrail import Effect, Finding, GuardrailInvalid, GuardrailPolicy
from policies.guardrails.kinds.registry import CONFIG_SCHEMAS, Kind, config_problems
from policies.guardrails.running import checklist, for_surface, run
from policies.guardrails.text.paths import texts

__all__ = [
    "CONFIG_SCHEMAS",
    "Effect",
    "Finding",
    "GuardrailInvalid",
    "GuardrailPolicy",
    "Kind",
    "checklist",
    "config_problems",
    "for_surface",
    "run",
    "texts",
]
