"""`manage.py play_stream`: plays a JSONL stream of proposals over HTTP."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from tqdm import tqdm

from hitl_portal.stream_player import StreamPlayer, Tally, Target, is_address
from hitl_portal.streams import Stream, StreamInvalid

MOST_THREADS = 64


class Command(BaseCommand):
    """Proposes every line of a file, and accounts for each."""

    help = _("Play a JSONL file of proposals over HTTP. An interrupted run can be repeated.")
    requires_system_checks = ()  # It talks to a portal over HTTP and needs none of its own.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the stream and where it goes."""
        parser.add_argument("file", type=Path, metavar="FILE", help=_("One JSON object a line."))
        parser.add_argument("--url", required=True, type=_address, help=_("The portal, e.g. http://127.0.0.1:8000."))
        parser.add_argument("--key", required=True, help=_("The agent's API key."))
        parser.add_argument(
            "--map",
            type=Path,
            metavar="FILE",
            help=_("JSON template that makes a proposal of a row; {field} is filled."),
        )
        parser.add_argument(
            "--only", action="append", default=[], metavar="FIELD=VALUE", help=_("Only rows whose field is this.")
        )
        parser.add_argument("--threads", type=_threads, default=4, help=_("Proposals under way at once."))
        parser.add_argument("--rate", type=float, default=0, help=_("Proposals per second; 0: as fast as it goes."))
        parser.add_argument("--run", default="", help=_("A new name proposes the same lines once more."))

    def handle(self, *args: Any, **options: Any) -> None:
        """Play it and print what became of the lines. Exits 1 if one was left without an answer."""
        stream = Stream(options["file"], template=_template(options["map"]), only=_conditions(options["only"]))
        try:
            total = stream.count()
            tally = self._play(stream, total, options)
        except (StreamInvalid, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self._tell(tally, total)
        if tally.answered != total:
            raise CommandError(
                _("%d of %d lines have no answer. Run the same command again: what was answered is not repeated.")
                % (total - tally.answered, total)
            )

    def _play(self, stream: Stream, total: int, options: dict[str, Any]) -> Tally:
        target = Target(options["url"], options["key"], options["threads"], options["rate"], options["run"])
        # Without a terminal there is no bar, only the result.
        with tqdm(total=total, unit=" proposals", disable=None) as bar:
            replay = StreamPlayer(stream, target, progress=bar.update)
            try:
                return replay.play()
            except KeyboardInterrupt:
                return replay.tally

    def _tell(self, tally: Tally, total: int) -> None:
        for line in tally.lines(total):
            self.stdout.write(line)


def _address(text: str) -> str:
    if not is_address(text):
        raise ArgumentTypeError(_("%s is no address such as http://127.0.0.1:8000.") % text)
    return text.rstrip("/")


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_THREADS:
        raise ArgumentTypeError(_("say a number from 1 to %d.") % MOST_THREADS)
    return int(text)


def _conditions(words: list[str]) -> dict[str, str]:
    conditions = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not name or not sign:
            raise CommandError(_("--only %s: say FIELD=VALUE, e.g. action=contact.") % word)
        conditions[name] = value
    return conditions


def _template(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CommandError(_("--map %(path)s: %(problem)s") % {"path": path, "problem": problem}) from problem
