"""`manage.py trust simulate`: play a past through the trust rules. Needs no database."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from audit import canonical
from audit.canonical import InvalidJson
from policies.trust.ladder import Criteria
from policies.trust.sequences import ALPHA
from policies.trust.simulation import InvalidRow, Simulation

EVERY = 20_000
"""Rows between two lines of progress."""


def share(text: str) -> float:
    """Read a number between 0 and 1, both excluded."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1:
        raise ArgumentTypeError(_("%s is not a number between 0 and 1") % text)
    return number


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(_("%s is not a whole number of at least 1") % text)
    return int(text)


class Command(BaseCommand):
    """Simulate promotions and demotions over a stream of decided proposals."""

    help = _("Trust, tried on any past: which agents would have been promoted and demoted, and when.")
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the subcommand and its criteria."""
        parsers = parser.add_subparsers(dest="subcommand", required=True)
        simulate = parsers.add_parser("simulate", help=_("Play a JSONL file, looking after every row."))
        simulate.add_argument("file", metavar="FILE", help=_("Rows with seq, agent, surface, confidence and correct."))
        simulate.add_argument("--json", action="store_true", help=_("Print one JSON object."))
        simulate.add_argument("--lower", type=share, default=0.95, help=_("The lower bound of being right."))
        simulate.add_argument("--least", type=count, default=50, help=_("Decisions before a step, at least."))
        simulate.add_argument("--calibration", type=share, help=_("The largest calibration error."))
        simulate.add_argument("--alpha", type=share, default=ALPHA, help=_("How often the bounds may be wrong."))

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        """Play the file. Raises CommandError with the line that cannot be read."""
        criteria = Criteria(options["lower"], options["least"], options["calibration"], options["alpha"])
        simulation = Simulation(criteria)
        line = 0
        try:
            for line, row in _rows(Path(file)):
                simulation.play((row,))
                if line % EVERY == 0 and self.stderr.isatty():
                    self.stderr.write(_("%s rows …") % f"{line:,}")
        except OSError as error:
            raise CommandError(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": error}) from error
        except _LineInvalid as error:
            raise CommandError(_("Line %(line)s: %(why)s. Nothing was played.") % error.words) from error
        except InvalidRow as error:
            words = {"line": line, "why": error}
            raise CommandError(_("Line %(line)s: %(why)s. Nothing was played.") % words) from error
        result = simulation.result()
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            self._table(result["agents"])

    def _table(self, agents: dict[str, dict[str, Any]]) -> None:
        if not agents:
            self.stdout.write(_("The file holds no rows."))
            return
        for name, figures in agents.items():
            words = {
                "name": name,
                "right": f"{figures['right']:,}",
                "decided": f"{figures['decided']:,}",
                "lower": f"{figures['lower']:.1%}",
                "upper": f"{figures['upper']:.1%}",
                "promoted": ", ".join(map(str, figures["recommended_at"])) or _("never"),
                "demoted": ", ".join(map(str, figures["demoted_at"])) or _("never"),
            }
            self.stdout.write(
                _(
                    "%(name)s: right %(right)s of %(decided)s (%(lower)s to %(upper)s); "
                    "recommended at %(promoted)s; demoted at %(demoted)s"
                )
                % words
            )


class _LineInvalid(ValueError):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.words = {"line": line, "why": why}


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    source = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    with source as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                yield number, _strictly(number, text)
            else:
                yield number, row


def _strictly(number: int, text: bytes) -> dict[str, Any]:
    """Say what is wrong with a line that is no JSON object."""
    try:
        canonical.parse(text.strip())
    except InvalidJson as error:
        raise _LineInvalid(number, str(error)) from error
    raise _LineInvalid(number, _("a row has to be a JSON object"))
