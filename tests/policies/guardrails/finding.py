"""Run one guardrail over a payload, and read the text that it marked."""

from policies.engine.payloads import resolve
from policies.guardrails import GuardrailKind, GuardrailPolicy, run


def guardrail(kind, config=None, **more):
    text = more.pop("text", "A sentence for people.")
    return GuardrailPolicy(
        slug=more.pop("slug", kind), kind=GuardrailKind(kind), config=config or {}, text=text, **more
    )


def find(kind, payload, config=None, **more):
    return run([guardrail(kind, config, **more)], payload)


def marked(payload, finding):
    """Return the characters that a review page would mark."""
    return resolve(payload, finding.pointer)[finding.start : finding.end]


def marks(kind, text, config=None):
    """Return what a guardrail marks in one text."""
    return [marked({"text": text}, finding) for finding in find(kind, {"text": text}, config)]
