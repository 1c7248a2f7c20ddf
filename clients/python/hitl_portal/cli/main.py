"""`hitl`: propose, wait, look, play a stream, and find out what is wrong with a connection."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hitl_portal.cli import doctor, play
from hitl_portal.client.answers import Proposal
from hitl_portal.client.portal import Portal
from hitl_portal.errors import PortalError, ProposalExpired, ProposalRejected, WaitTimedOut

EXIT_CODES: Final[dict[type[PortalError], int]] = {ProposalRejected: 3, ProposalExpired: 4, WaitTimedOut: 5}
"""What `wait` and `propose --wait` exit with, besides 0 for what was cleared and 1 for any other trouble."""
OWN_NAMES: Final = ("surface", "action", "title", "payload")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except PortalError as error:
        say(f"hitl: {error}", to_error=True)
        codes = (code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
        return next(codes, 1)


def say(text: str, *, to_error: bool = False) -> None:
    """Write one line."""
    stream = sys.stderr if to_error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hitl",
        description="The agent's side of a HITL Portal. Reads HITL_PORTAL_URL and HITL_PORTAL_KEY.",
        epilog="Exit codes of wait: 0 cleared, 3 rejected, 4 expired, 5 timed out, 1 anything else.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    propose = commands.add_parser("propose", help="submit a proposal")
    propose.add_argument("file", help="the proposal as JSON; - reads standard input")
    propose.add_argument("--idempotency-key", help="instead of the one that follows from the proposal")
    propose.add_argument("--wait", type=float, metavar="SECONDS", help="wait so long until it is decided")
    propose.set_defaults(command=_propose)

    wait = commands.add_parser("wait", help="wait until a proposal is decided")
    wait.add_argument("id")
    wait.add_argument("--timeout", type=float, metavar="SECONDS", help="without it: for ever")
    wait.add_argument("--until", choices=("decided", "settled"), default="decided")
    wait.set_defaults(command=_wait)

    status = commands.add_parser("status", help="look at a proposal")
    status.add_argument("id")
    status.add_argument("--json", action="store_true", help="all of it")
    status.set_defaults(command=_status)

    play.add_to(commands)
    doctor.add_to(commands)
    return parser


def _propose(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
    try:
        sent: dict[str, Any] = dict(json.loads(text))
        own = {name: sent.pop(name) for name in OWN_NAMES}
    except (ValueError, TypeError) as error:
        raise PortalError(f"{options.file} is no JSON object: {error}.") from error
    except KeyError as missing:
        raise PortalError(f"{options.file} says nothing of {missing.args[0]}.") from missing
    with Portal() as portal:
        proposal = portal.propose(**own, idempotency_key=options.idempotency_key, **sent)
        if options.wait is not None:
            proposal = portal.wait(proposal, timeout=options.wait)
    _show(proposal)
    return 0


def _wait(options: argparse.Namespace) -> int:
    with Portal() as portal:
        _show(portal.wait(options.id, until=options.until, timeout=options.timeout))
    return 0


def _status(options: argparse.Namespace) -> int:
    with Portal() as portal:
        proposal = portal.get(options.id)
    if options.json:
        say(json.dumps(proposal.raw, ensure_ascii=False, indent=2))
    else:
        _show(proposal)
    return 0


def _show(proposal: Proposal) -> None:
    say(f"{proposal.id} {proposal.state}")
    if proposal.state in {"pending", "edited"} and proposal.waits_for:
        say(f"  waits for {', '.join(proposal.waits_for)} until {proposal.raw['deadline_at']}")
    if proposal.why:
        say(f"  {proposal.why}")


if __name__ == "__main__":
    sys.exit(main())
