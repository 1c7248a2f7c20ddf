"""The tests section of a policy file: facts of a proposal, and what the policy must say of it. PURE."""

from dataclasses import dataclass
from typing import Any, Final

from policies.facts.vocabulary import ALIASES
from policies.policy_files.format.keyed import Key, KeyTable
from policies.policy_files.format.parts import CURRENCY, EFFECTS, ID, NAME, NAMES, OUTCOMES, SHARE, SLUG
from policies.policy_files.format.quantities import Moment
from policies.policy_files.format.shapes import Anything, Flag, ListOf, MapOf, Number, Text

_FINDING: Final = KeyTable(
    (
        Key("guardrail", SLUG, "Which guardrail."),
        Key("effect", EFFECTS, "What it does."),
        Key("tier", SLUG, "Where effect is tier.", default=None),
        Key("text", Text(300), "What it says.", default=""),
    ),
    "a finding",
)
FACTS: Final = KeyTable(
    (
        Key("surface", SLUG, "Where."),
        Key("action", NAME, "What. Left out: act.", default="act"),
        Key("agent", SLUG, "Who. Left out: test-agent.", default="test-agent"),
        Key("agent_is_active", Flag(), "Left out: true.", default=True),
        Key(
            "mandate",
            SLUG,
            "The tier of the agent's mandate; null: none. Left out: the mildest.",
            default="",
            is_nullable=True,
        ),
        Key("tags", NAMES, "Besides those that the surface derives from the payload.", default=[]),
        Key("targets", ListOf(Text(200, 1)), "What it is done to.", default=[]),
        Key("confidence", SHARE, "Null: none given. Left out: 1.", default=1.0, is_nullable=True),
        Key("amount", Number(), "Left out: what the payload says.", default=None, alias="estimated_cost"),
        Key("currency", CURRENCY, "Left out: none.", default=""),
        Key("audience_size", Number(0, 2**31 - 1, is_whole=True), "Left out: what the payload says.", default=None),
        Key("payload", Anything(), "Checked by the guardrails, as a real one is.", default={}),
        Key("before", Anything(), "What is there now.", default=None),
        Key("model", MapOf(Anything()), "The model behind the agent.", default={}),
        Key("switches", NAMES, "Engaged kill switches, e.g. everywhere.", default=[]),
        Key("is_in_review", Flag(), "Whether it is already under review.", default=False),
        Key("expires_at", Moment(), "When it expires.", default=None),
        Key("now", Moment(), "When it is judged. Left out: Wednesday noon.", default=None),
        Key("limits", MapOf(Number(0)), "Running totals before it, by limit. Left out: 0.", default={}),
        Key("conflicts", NAMES, "Ids of proposals with the same target.", default=[]),
        Key("findings", ListOf(_FINDING), "What guardrails found besides what they find in the payload.", default=[]),
    ),
    "the facts of a test",
)


@dataclass(frozen=True, slots=True)
class _Given:
    """Facts are kept as written: what is left out stays left out, so that a test says only what matters."""

    def read(self, node: Any, problems: Any) -> Any:
        """Return the facts that are named."""
        value = FACTS.read(node, problems)
        if not isinstance(value, dict):
            return value
        names = [ALIASES.get(name, name) for name in node.entries]
        return {name: value[name] for name in names}

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return FACTS.schema()


_EXPECT: Final = KeyTable(
    (
        Key("outcome", OUTCOMES, "What the policy must say."),
        Key("tier", Text(80), "Left out: any.", default=""),
        Key("deciding", Text(80), "The id of the deciding reason, e.g. a rule's. Left out: any.", default=""),
    ),
    "what a test expects",
)
TEST: Final = KeyTable(
    (
        ID,
        Key("facts", _Given(), "What is proposed; what is left out takes its usual value."),
        Key("expect", _EXPECT, "What the policy must say of it."),
    ),
    "a test",
)
