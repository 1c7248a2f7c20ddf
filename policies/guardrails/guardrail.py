"""One guardrail of a policy, ready to run, and what it finds. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from policies.guardrails.kinds.registry import Check, GuardrailKind, config_problems, prepare
from policies.guardrails.text.paths import parts


class GuardrailEffect(StrEnum):
    FLAG = "flag"
    """Is shown to the reviewer."""
    TIER = "tier"
    """Raises the tier to the guardrail's at least."""
    DENY = "deny"


class GuardrailInvalid(ValueError):
    """A guardrail cannot be used; `problems` says why, one sentence for each mistake."""

    code = "guardrail_invalid"

    def __init__(self, slug: str, problems: list[str]) -> None:
        self.slug = slug
        self.problems = problems
        super().__init__(f"Guardrail {slug}: {' '.join(problems)}")


@dataclass(frozen=True)
class GuardrailPolicy:
    """A check on the content of payloads. Making one checks it: raises GuardrailInvalid.

    `surfaces` are globs; none: every surface. `paths` choose texts (see `paths.texts`); none: every
    string. `tier` belongs to the effect `tier` alone. `text` is the sentence for people.
    """

    slug: str
    kind: GuardrailKind
    surfaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, hash=False)
    effect: GuardrailEffect = GuardrailEffect.FLAG
    tier: str | None = None
    text: str = ""
    check: Check = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = [*self._faults(), *config_problems(self.kind, self.config)]
        if problems:
            raise GuardrailInvalid(self.slug, problems)
        object.__setattr__(self, "check", prepare(self.kind, self.config, has_paths=bool(self.paths)))

    def _faults(self) -> list[str]:
        faults = []
        if (self.effect is GuardrailEffect.TIER) != bool(self.tier):
            faults.append("A tier belongs to the effect “tier”, and to no other.")
        if self.kind is GuardrailKind.CHECKLIST and self.effect is GuardrailEffect.DENY:
            faults.append("A checklist is answered by people; it cannot deny.")
        if self.kind is GuardrailKind.CHECKLIST and not self.text.strip():
            faults.append("A checklist needs a text: it is what the reviewer ticks.")
        for path in self.paths:
            try:
                parts(path)
            except ValueError as error:
                faults.append(str(error))
        return faults

    def covers(self, surface: str) -> bool:
        """Whether the guardrail holds on a surface."""
        return not self.surfaces or any(fnmatchcase(surface, glob) for glob in self.surfaces)


@dataclass(frozen=True, slots=True)
class GuardrailFinding:
    """One thing a guardrail found.

    `start` and `end` are characters (code points) of the string at `pointer` (RFC 6901) in the payload;
    they are equal where something is missing. `text` is the guardrail's sentence, `found` says what was
    found here, `excerpt` quotes it, short and with hidden characters written out.
    """

    guardrail: str
    effect: GuardrailEffect
    tier: str | None
    pointer: str
    start: int
    end: int
    excerpt: str
    text: str
    found: str
