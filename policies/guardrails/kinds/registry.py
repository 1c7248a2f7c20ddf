"""The kinds of guardrails: what each one's configuration looks like, and how it is checked. PURE."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from policies.guardrails.kinds import (
    checklist,
    confusables,
    forbidden_phrases,
    hidden_unicode,
    length,
    link_domains,
    merge_tag_fallback,
    personal_data,
    prompt_injection,
    required_merge_tag,
    required_phrases,
)
from policies.guardrails.text.reading import Reading, Spot

Check = Callable[[Sequence[Reading]], Iterator[Spot]]
MAX_PROBLEMS: Final = 20


class GuardrailKind(StrEnum):
    FORBIDDEN_PHRASES = "forbidden_phrases"
    REQUIRED_PHRASES = "required_phrases"
    REQUIRED_MERGE_TAG = "required_merge_tag"
    MERGE_TAG_FALLBACK = "merge_tag_fallback"
    LINK_DOMAINS = "link_domains"
    PERSONAL_DATA = "personal_data"
    HIDDEN_UNICODE = "hidden_unicode"
    CONFUSABLES = "confusables"
    PROMPT_INJECTION = "prompt_injection"
    LENGTH = "length"
    CHECKLIST = "checklist"


_MODULES: Final = {
    GuardrailKind.FORBIDDEN_PHRASES: forbidden_phrases,
    GuardrailKind.REQUIRED_PHRASES: required_phrases,
    GuardrailKind.REQUIRED_MERGE_TAG: required_merge_tag,
    GuardrailKind.MERGE_TAG_FALLBACK: merge_tag_fallback,
    GuardrailKind.LINK_DOMAINS: link_domains,
    GuardrailKind.PERSONAL_DATA: personal_data,
    GuardrailKind.HIDDEN_UNICODE: hidden_unicode,
    GuardrailKind.CONFUSABLES: confusables,
    GuardrailKind.PROMPT_INJECTION: prompt_injection,
    GuardrailKind.LENGTH: length,
    GuardrailKind.CHECKLIST: checklist,
}
CONFIG_SCHEMAS: Final[Mapping[GuardrailKind, Mapping[str, Any]]] = {
    kind: module.SCHEMA for kind, module in _MODULES.items()
}
"""JSON Schema 2020-12 of each kind's configuration."""


@lru_cache(maxsize=len(GuardrailKind))
def _validator(kind: GuardrailKind) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(CONFIG_SCHEMAS[kind]))


def config_problems(kind: GuardrailKind, config: Any) -> list[str]:
    """Say what is wrong with a configuration, in sentences; an empty list if nothing is."""
    problems = []
    for error in _validator(kind).iter_errors(config):
        place = "/".join(map(str, error.instance_path))
        problems.append(f"{place}: {error.message}"[:300] if place else str(error.message)[:300])
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        return problems
    try:
        prepare(kind, config, has_paths=False)
    except ValueError as error:
        return [str(error)]
    return []


def prepare(kind: GuardrailKind, config: Mapping[str, Any], *, has_paths: bool) -> Check:
    """Make the check of a valid configuration. Raises ValueError where the schema cannot see a mistake."""
    check: Check = _MODULES[kind].prepare(config, has_paths=has_paths)
    return check
