"""`hitl play`: propose every line of a file, and account for each."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from hitl_portal.configuration import configured
from hitl_portal.errors import PortalError
from hitl_portal.stream_player import StreamPlayer, Target
from hitl_portal.streams import Stream, StreamInvalid

MOST_THREADS: Final = 64


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("play", help="propose every line of a JSONL file")
    parser.add_argument("file", type=Path)
    parser.add_argument("--map", type=Path, metavar="FILE", help="JSON template that makes a proposal of a row")
    parser.add_argument("--only", action="append", default=[], metavar="FIELD=VALUE", help="only rows of this")
    parser.add_argument("--threads", type=int, choices=range(1, MOST_THREADS + 1), default=4, metavar="N")
    parser.add_argument("--rate", type=float, default=0, help="proposals per second; 0: as fast as it goes")
    parser.add_argument("--run", default="", help="a new name proposes the same lines once more")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Play the stream and print what became of the lines; 1 if one was left without an answer."""
    configuration = configured(None, None)
    try:
        template = None if options.map is None else json.loads(options.map.read_text(encoding="utf-8"))
        stream = Stream(options.file, template=template, only=dict(_condition(text) for text in options.only))
        total = stream.count()
        target = Target(configuration.url, configuration.key, options.threads, options.rate, options.run)
        tally = StreamPlayer(stream, target).play()
    except (StreamInvalid, OSError, ValueError) as error:
        raise PortalError(str(error)) from error
    sys.stdout.writelines(f"{line}\n" for line in tally.lines(total))
    return 0 if tally.answered == total else 1


def _condition(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise PortalError(f"--only {text}: say FIELD=VALUE, e.g. action=contact.")
    return name, value
