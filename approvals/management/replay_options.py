"""`manage.py policy replay`: its options, and what it prints."""

import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import gettext as _
from tqdm import tqdm

from approvals.replays import recorded_cases, runner
from approvals.replays.recorded_cases import Window
from approvals.replays.runner import ReplayInvalid
from audit.clock import database_now
from policies.models import PolicyVersion
from policies.publishing import publish

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_arguments(parser: ArgumentParser) -> None:
    """Take which policy, which proposals, and how to say it."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", dest="number", type=int, metavar="N", help=_("A published version."))
    which.add_argument("--draft", action="store_true", help=_("What the tables say now; this is the default."))
    parser.add_argument("--last", type=_span, default=_UNITS["d"] * 30, metavar="SPAN", help=_("48h, 30d or 4w."))
    parser.add_argument("--most", type=int, default=recorded_cases.MOST, metavar="N", help=_("The newest N of them."))
    parser.add_argument("--json", action="store_true", help=_("Print one JSON object."))


def run(options: dict[str, Any], out: OutputWrapper) -> int:
    """Replay, print, and return the exit code. Changes nothing. Raises CommandError."""
    document = _document(options["number"])
    window = Window(since=database_now() - options["last"], most=options["most"])
    total = recorded_cases.count(window)
    # Without a terminal there is no bar, only the result.
    with tqdm(total=total, unit=" proposals", disable=None) as bar:
        try:
            result = runner.run(document, window, progress=lambda done: bar.update(done - bar.n))
        except ReplayInvalid as problem:
            raise CommandError(str(problem)) from problem
    out.write(json.dumps(result) if options["json"] else "\n".join(lines(result)))
    return 0


def _document(number: int | None) -> dict[str, Any]:
    if number is None:
        return publish.document()
    version = PolicyVersion.objects.filter(pk=number).first()
    if version is None:
        raise CommandError(_("There is no policy version %d.") % number)
    document: dict[str, Any] = version.document
    return document


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Say the result of a replay in lines of plain text."""
    yield _("proposals %d") % result["cases"]
    for name, number in result["changes"].items():
        yield f"{name} {number}"
    yield _("review minutes added %(more).0f, saved %(less).0f") % {
        "more": result["minutes_added"],
        "less": result["minutes_saved"],
    }
    for name, fate in result["fates"].items():
        yield _("%(fate)s %(cases)d: let through %(now)d (then %(then)d), caught %(caught)d") % {
            "fate": name,
            "cases": fate["cases"],
            "now": fate["let_through_now"],
            "then": fate["let_through_then"],
            "caught": fate["caught_now"],
        }
    for title, groups in ((_("surface"), result["surfaces"]), (_("agent"), result["agents"])):
        for name, group in groups.items():
            changes = "  ".join(f"{change} {number}" for change, number in group["changes"].items())
            yield f"{title} {name} {group['cases']}  {changes}".rstrip()
    for slug, number in result["uncounted"].items():
        yield _("limit %(slug)s was not counted for %(number)d of them") % {"slug": slug, "number": number}
    if result["unreadable"]:
        yield _("unreadable %d") % result["unreadable"]


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(_("%s is no span of time such as 48h, 30d or 4w.") % text)
    return int(match[1]) * _UNITS[match[2]]
