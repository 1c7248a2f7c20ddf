"""Look for all that stands against publishing policy files, and for what is probably not meant. Writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policies.comparison.timing import escalation_name
from policies.engine import policy_tests
from policies.engine.policy import compile_policy
from policies.policy_files.format.layout import SINGULAR
from policies.policy_files.reading import Item, PolicyFile
from policies.policy_files.yaml_nodes import FilePosition, FileProblem
from policies.publishing.lint.cautions import Portal, cautions
from policies.publishing.lint.file_drafts import Composed
from policies.publishing.validation import EVERYBODY, Members, Owned, PolicyProblem, problems

TABLES: Final = FilePosition("tables")
_SECTIONS: Final = {singular: section for section, singular in SINGULAR.items()}
_MATCH: Final = frozenset({"surfaces", "actions", "topics", "agents", "any_tags", "all_tags"})


@dataclass(frozen=True, slots=True)
class People:
    """People who are there to decide."""

    members: Members
    owned: tuple[Owned, ...] = ()
    lacking: frozenset[PolicyProblem] = frozenset()
    """What is asked of people who are not there, and keeps nothing from being published."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, and what to look at; each in the order of its places."""

    problems: list[FileProblem] = field(default_factory=list)
    warnings: list[FileProblem] = field(default_factory=list)


def lint(policy: PolicyFile, composed: Composed, people: People | None, portal: Portal) -> Findings:
    """Return all that publishing would refuse in files that have the right form, and what else to look at.

    Without `people`, nobody knows who is there to decide, and nothing is said of it. What is wrong with tables that
    the files do not name is a warning.
    """
    findings = Findings()
    if composed.missing:
        findings.warnings.extend(composed.missing)
        text = "These files do not stand alone, so what publishing would say of them is not known here."
        findings.warnings.append(FileProblem(composed.missing[0].place, text))
        return findings
    people = people or People(EVERYBODY)
    for problem in problems(composed.document, people.members, people.owned):
        if problem in people.lacking:
            continue
        item = _item(policy, problem.thing, problem.id)
        if item is not None:
            findings.problems.append(item.problem(problem.text, *_path(problem.thing, problem.field)))
        elif problem.thing == "tier" and "tiers" in policy.sections:
            findings.problems.append(FileProblem(_first(policy, "tiers"), problem.text))
        else:
            sentence = f"{problem.thing} {problem.id}".strip()
            findings.warnings.append(FileProblem(TABLES, f"The {sentence} cannot be published: {problem.text}"))
    if not findings.problems and all(warning.place != TABLES for warning in findings.warnings):
        findings.problems.extend(_failing(policy, composed.document))
        findings.warnings.extend(_cautions(policy, cautions(composed.document, portal)))
    return Findings(sorted({*findings.problems}), sorted({*findings.warnings}))


def _failing(policy: PolicyFile, document: Mapping[str, Any]) -> Iterator[FileProblem]:
    for result in policy_tests.run(compile_policy(number=0, digest="", document=document)):
        if not result.is_passed:
            item = _item(policy, "test", result.slug)
            text = f"The test {result.slug} fails. {' '.join(result.problems)}"
            yield item.problem(text) if item is not None else FileProblem(TABLES, text)


def _cautions(policy: PolicyFile, findings: Iterable[Any]) -> Iterator[FileProblem]:
    for caution in findings:
        item = _item(policy, caution.thing, caution.id)
        if item is not None:
            yield item.problem(caution.text, *caution.path)


def _item(policy: PolicyFile, thing: str, shown: str) -> Item | None:
    """Return the entry that is shown to people as `shown`; None where the files have none."""
    items = policy.sections.get(_SECTIONS[thing], {})
    if thing == "requirement":
        return next((item for item in items.values() if _requirement(item.value) == shown), None)
    if thing == "escalation":
        return next((item for item in items.values() if escalation_name(item.value) == shown), None)
    return items.get((shown,))


def _requirement(value: Mapping[str, Any]) -> str:
    return f"{value['surface']}{f' ({tier})' if (tier := value['tier']) else ''}"


def _path(thing: str, name: str) -> tuple[str, ...]:
    if not name:
        return ()
    return ("match", name) if thing == "rule" and name in _MATCH else ("enabled",) if name == "is_enabled" else (name,)


def _first(policy: PolicyFile, section: str) -> FilePosition:
    return min(item.node.place for item in policy.sections[section].values())
