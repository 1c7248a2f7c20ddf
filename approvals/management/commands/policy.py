"""`manage.py policy`: the policy as files. Nothing here publishes: what is applied is a draft."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.errors import ProposalError
from approvals.management import proof, replay_options
from approvals.models import Proposal
from policies import policy_files
from policies.engine import policy_tests
from policies.engine.policy import compile_policy
from policies.models import Agent
from policies.policy_files import DocumentInvalid, ExportFailed, FileProblem, Known, Plan, PolicyFile
from policies.publishing import drafts, publish, validation
from policies.publishing.lint import file_drafts, linting
from policies.publishing.lint.cautions import Portal
from policies.publishing.lint.linting import People
from policies.publishing.snapshot import document

DIFFERS: Final = 2
MOST_ACTIONS: Final = 10_000
"""Of how many proposals, the latest first, `lint` takes the actions that this portal knows."""


class Subcommand(NamedTuple):
    """One `manage.py policy …`; `run` is given what was asked and where to write, and returns the exit code."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[..., int]


class Command(BaseCommand):
    """Export, check, compare, apply and test policy files."""

    help = _("The policy as files: export, lint, plan, apply, test; and replay. Publishing is done by people.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add each subcommand with its own arguments."""
        parsers = parser.add_subparsers(dest="subcommand", required=True)
        for subcommand in SUBCOMMANDS:
            subcommand.add_arguments(parsers.add_parser(subcommand.name, help=subcommand.help))

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand; what is wrong with a file is told with its place, and the exit code is 1."""
        chosen = next(one for one in SUBCOMMANDS if one.name == subcommand)
        try:
            streams = (self.stdout, self.stderr) if chosen.run in {_lint, _test} else (self.stdout,)
            code = chosen.run(options, *streams)
        except DocumentInvalid as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            if error.left_out:
                self.stderr.write(_("… and %s more.") % error.left_out)
            count = len(error.problems) + error.left_out
            raise CommandError(
                ngettext("%s problem. Nothing was changed.", "%s problems. Nothing was changed.", count) % count
            ) from error
        except (ProposalError, PermissionDenied) as refusal:
            raise CommandError(str(refusal)) from refusal
        except ExportFailed as error:
            raise CommandError(_("The tables cannot be written as a file:\n%s") % error) from error
        if code:
            sys.exit(code)


def _text(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error


def _read(options: dict[str, Any], *, is_offline: bool = False) -> PolicyFile:
    """Read the files and check all that can be checked without a change. Raises DocumentInvalid."""
    problems: list[FileProblem] = []
    policy = policy_files.collect({name: _text(name) for name in options["files"]}, problems)
    problems += policy_files.check(policy, Known() if is_offline else policy_files.known())
    if problems:
        raise DocumentInvalid(problems)
    return policy


def _is_alone(options: dict[str, Any], err: OutputWrapper) -> bool:
    """Whether files are checked by themselves: as asked, or because there is no portal whose tables could be read."""
    if options["offline"]:
        return True
    try:
        publish.active_version()
    except (DatabaseError, ImproperlyConfigured, OSError, CalledProcessError):
        err.write(_("There is no database to ask, so the files are checked by themselves."))
        return True
    return False


def _offline(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--offline", action="store_true", help=_("Do not ask the database: check the files by themselves.")
    )


def _files(parser: ArgumentParser, *, are_required: bool = True) -> None:
    parser.add_argument(
        "files", nargs="+" if are_required else "*", metavar="FILE", help=_("Policy files; several are merged.")
    )


def _prune(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--prune",
        action="store_true",
        help=_("Also remove rows that the files do not name, in the sections they name. Surfaces are disabled."),
    )


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--into", metavar="FILE", help=_("Bring this policy file up to date; its comments stay where they can.")
    )


def _export(options: dict[str, Any], out: OutputWrapper) -> int:
    into = options["into"]
    if not into:
        out.write(policy_files.export(), ending="")
        return 0
    path = Path(into)
    older = _text(into) if path.exists() else None
    path.write_text(policy_files.export(older, file=into), encoding="utf-8", newline="")
    out.write(_("%s says what the tables say.") % into)
    return 0


def _lint_arguments(parser: ArgumentParser) -> None:
    _files(parser)
    _offline(parser)


def _lint(options: dict[str, Any], out: OutputWrapper, err: OutputWrapper) -> int:
    """Tell everything that publishing would refuse, and what is probably not meant."""
    is_alone = _is_alone(options, err)
    policy = _read(options, is_offline=is_alone)
    if is_alone:
        findings = linting.lint(policy, file_drafts.alone(policy), None, Portal())
    else:
        composed, members, owned = file_drafts.over_tables(policy), drafts.members(), tuple(drafts.owned())
        lacking = drafts.lacking_already(composed.document, publish.active_version(), members, owned)
        findings = linting.lint(policy, composed, People(members, owned, lacking), _portal())
    for warning in findings.warnings:
        err.write(_("%(place)s: warning: %(text)s") % {"place": warning.place, "text": warning.text})
    if findings.problems:
        raise DocumentInvalid(findings.problems)
    count, warnings = sum(1 for _item in policy.items()), len(findings.warnings)
    sentence = ngettext("%s entry, no problems", "%s entries, no problems", count) % count
    if warnings:
        sentence += ngettext(", %s warning", ", %s warnings", warnings) % warnings
    out.write(f"{sentence}.")
    if not is_alone:
        _warn(validation.warnings(_as_rows(policy), drafts.members()), out)
    return 0


def _portal() -> Portal:
    """Return which agents there are, and what they proposed lately."""
    agents = frozenset(Agent.objects.values_list("slug", flat=True))
    latest = Proposal.objects.order_by("-created_at").values("action")[:MOST_ACTIONS]
    return Portal(agents, frozenset(row["action"] for row in latest), drafts.tested_actions())


def _as_rows(policy: PolicyFile) -> dict[str, Any]:
    """Return what the files say of surfaces and whose approvals those need, or else the tables."""
    rows = policy.sections.get("requirements")
    return {
        "surfaces": {item.value["id"]: item.value for item in policy.sections.get("surfaces", {}).values()},
        "requirements": document()["requirements"] if rows is None else [item.value for item in rows.values()],
    }


def _warn(problems: Iterable[validation.PolicyProblem], out: OutputWrapper) -> None:
    for warning in problems:
        out.write(_("Note: {thing} {id}: {text}").format(thing=warning.thing, id=warning.id, text=warning.text))


def _no_arguments(parser: ArgumentParser) -> None:
    """The subcommand takes none."""


def _schema(options: dict[str, Any], out: OutputWrapper) -> int:
    out.write(json.dumps(policy_files.json_schema(), indent=2, ensure_ascii=False))
    return 0


def _plan_arguments(parser: ArgumentParser) -> None:
    _files(parser)
    _prune(parser)


def _plan(options: dict[str, Any], out: OutputWrapper) -> int:
    plan = policy_files.make(_read(options), prune=options["prune"])
    _tell(plan, out)
    return DIFFERS if plan.changes else 0


def _apply_arguments(parser: ArgumentParser) -> None:
    _plan_arguments(parser)
    parser.add_argument("--as", dest="person", metavar="USERNAME", default="", help=_("Who you are; you prove it."))


def _apply(options: dict[str, Any], out: OutputWrapper) -> int:
    """Change the tables in the name of a person who has proved it, or else of this machine's command line."""
    policy, by = _read(options), None
    if options["person"]:
        by = proof.person(options["person"])
        proof.prove(by)
    plan = policy_files.apply(policy, prune=options["prune"], by=by)
    _tell(plan, out)
    if plan.changes:
        out.write(_("The tables are changed: a draft, which counts once somebody publishes it in the admin, Policies."))
        if "publish" in settings.REQUIRE_SECOND_FACTOR:
            out.write(_("Anyone who publishes is asked for their second factor there."))
    _warn(drafts.pending().warnings, out)
    return 0


def _tell(plan: Plan, out: OutputWrapper) -> None:
    for change in plan.changes:
        for line in change.lines():
            out.write(line)
    if plan.kept:
        out.write(_("Only in the tables, and kept (see --prune): %s.") % ", ".join(plan.kept))
    count = len(plan.changes)
    out.write(ngettext("%s difference.", "%s differences.", count) % count if count else _("No difference."))


def _test_arguments(parser: ArgumentParser) -> None:
    _files(parser, are_required=False)
    _offline(parser)


def _test(options: dict[str, Any], out: OutputWrapper, err: OutputWrapper) -> int:
    """Run the tests on the draft as it would be with the files applied, and leave everything as it was."""
    is_alone = _is_alone(options, err)
    if is_alone and not options["files"]:
        raise CommandError(_("Without a database there are no tests but those of files: name them."))
    policy = _read(options, is_offline=is_alone)
    composed = file_drafts.alone(policy) if is_alone else file_drafts.over_tables(policy)
    if composed.missing:
        raise DocumentInvalid([*composed.missing])
    chosen: set[str] | None = None
    if "tests" in policy.sections:
        chosen = {item.value["id"] for item in policy.sections["tests"].values()}
    try:
        compiled = compile_policy(number=0, digest="", document=composed.document)
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(_("The draft cannot be used: %s") % error) from error
    results = policy_tests.run(compiled, [one for one in compiled.tests if chosen is None or one.slug in chosen])
    for result in results:
        out.write(f"{_('passed') if result.is_passed else _('FAILED')}  {result.slug}")
        if not result.is_passed:
            _explain(result, out)
    failed = sum(not result.is_passed for result in results)
    out.write(_("%(passed)s passed, %(failed)s failed.") % {"passed": len(results) - failed, "failed": failed})
    return 1 if failed else 0


def _explain(result: policy_tests.Result, out: OutputWrapper) -> None:
    for problem in result.problems:
        out.write(f"    {problem}")
    for reason in result.reasons:
        mark = "→" if reason.is_deciding else " "
        out.write(f"    {mark} {reason.source} {reason.id}: {reason.tier or reason.outcome}. {reason.text}")


SUBCOMMANDS: Final = (
    Subcommand("export", _("Write the tables as a policy file."), _export_arguments, _export),
    Subcommand("lint", _("Check policy files; change nothing."), _lint_arguments, _lint),
    Subcommand("plan", _("Say what applying would change; exit code 2 if anything."), _plan_arguments, _plan),
    Subcommand("apply", _("Put policy files into the tables, as a draft."), _apply_arguments, _apply),
    Subcommand("schema", _("Write the JSON Schema of policy files, for editors."), _no_arguments, _schema),
    Subcommand("test", _("Run the policy's own tests on the draft."), _test_arguments, _test),
    Subcommand(
        "replay", _("Try the draft, or a version, on past proposals."), replay_options.add_arguments, replay_options.run
    ),
)
