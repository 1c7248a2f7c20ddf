"""`manage.py ledger`: verify the ledger, print its newest checkpoint, its keys and the kinds of its entries."""

import json
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from tqdm import tqdm

from audit.evidence import exports
from audit.evidence.contents import NothingRecorded
from audit.kinds import listing
from audit.ledger import checkpoints, keys, tiles
from audit.ledger.entries import SYSTEM, Actor
from audit.verification import keepsake, runs, walk
from audit.verification.walk import Report


class Command(BaseCommand):
    """Verification changes nothing but that its result is kept, and may run while the portal works."""

    help = _("Verify the ledger and export what others need to verify it.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the subcommands."""
        parsers = parser.add_subparsers(dest="subcommand", required=True)
        verify = parsers.add_parser("verify", help=_("Verify everything, what came after a checkpoint, or a proposal."))
        verify.add_argument("--proposal", metavar="ID", help=_("Only the entries of this proposal."))
        verify.add_argument("--since", metavar="FILE", type=Path, help=_("Only what came after this checkpoint."))
        verify.add_argument(
            "--checkpoint", metavar="FILE", type=Path, action="append", default=[],
            help=_("A checkpoint that somebody kept, which the ledger has to fit; may be repeated."),
        )  # fmt: skip
        verify.add_argument("--json", action="store_true", help=_("Print one JSON object."))
        parsers.add_parser("checkpoint", help=_("Sign the ledger as it is and print the checkpoint."))
        pack = parsers.add_parser("pack", help=_("Write the evidence about a proposal: a zip that verifies itself."))
        pack.add_argument("--proposal", metavar="ID", required=True)
        pack.add_argument("--out", metavar="FILE", type=Path, required=True)
        parsers.add_parser("keys", help=_("Print the public keys that have signed checkpoints, as verifier keys."))
        kinds = parsers.add_parser("kinds", help=_("Print every kind of entry, what it means, and which data it has."))
        kinds.add_argument("--json", action="store_true", help=_("Print one JSON object, with a JSON Schema each."))

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        """Do what was asked; a fault ends with code 1."""
        if subcommand == "keys":
            self.stdout.write("\n".join(map(str, keys.verifier_keys())))
        elif subcommand == "kinds":
            self.stdout.write(json.dumps(listing.schemas(), indent=2) if options["json"] else listing.table())
        elif subcommand == "checkpoint":
            made = checkpoints.catch_up()
            if made is None:
                raise CommandError(_("The ledger is empty."))
            self.stdout.write(made.note, ending="")
        elif subcommand == "pack":
            self._pack(options["proposal"], options["out"])
        else:
            report = self._verify(options)
            self._tell(report, as_json=options["json"])
            if report.fault is not None:
                sys.exit(1)

    def _pack(self, proposal: str, out: Path) -> None:
        try:
            body = exports.export(f"proposal:{proposal}", title=_("Proposal %s") % proposal, by=_command_line())
            out.write_bytes(body)
        except NothingRecorded as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(_("Cannot write %(path)s: %(error)s") % {"path": out, "error": error}) from error
        self.stdout.write(_("%(path)s: %(size)s bytes.") % {"path": out, "size": f"{len(body):,}"})

    def _verify(self, options: dict[str, Any]) -> Report:
        if options["proposal"]:
            return walk.subject(f"proposal:{options['proposal']}")
        kept = [_read(path) for path in options["checkpoint"]]
        since = _read(options["since"]) if options["since"] else ""
        with tqdm(total=tiles.size(), unit=_(" entries"), file=self.stderr, disable=None) as bar:
            if kept or since:
                return walk.whole(kept=[*kept, *keepsake.notes()], since=since, progress=bar.update)
            return runs.run(by=_command_line(), progress=bar.update)

    def _tell(self, report: Report, *, as_json: bool) -> None:
        fault = report.fault
        if as_json:
            details = None if fault is None else {"kind": fault.kind, "index": fault.index, "text": fault.text}
            self.stdout.write(json.dumps({"ok": fault is None, "entries": report.size, "fault": details}))
        elif fault is not None:
            self.stdout.write(str(fault))
        else:
            facts = {"entries": f"{report.size:,}", "checkpoints": f"{report.heads:,}"}
            self.stdout.write(_("%(entries)s entries fit %(checkpoints)s checkpoints.") % facts)


def _command_line() -> Actor:
    return Actor(SYSTEM.ref, f"command line of {socket.gethostname()}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(_("Cannot read %(path)s: %(error)s") % {"path": path, "error": error}) from error
