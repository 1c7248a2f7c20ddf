"""`manage.py check_invariants`: prove the invariants on the live database."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from approvals import invariants
from approvals.invariants import Result


class Command(BaseCommand):
    """Changes nothing, and may run while the portal works: it looks at one moment."""

    help = _("Prove the invariants on the live database; exits 1 if one is broken, and says where.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object."))

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per invariant, then exit 0 or 1."""
        results = []
        for result in invariants.check():
            results.append(result)
            if not options["json"]:
                self._tell(result)
        is_whole = all(result.breach is None for result in results)
        if options["json"]:
            data = {"ok": is_whole, "invariants": [asdict(result) for result in results]}
            self.stdout.write(json.dumps(data))
        if not is_whole:
            sys.exit(1)

    def _tell(self, result: Result) -> None:
        how = _("ok") if result.breach is None else _("BROKEN")
        counted = f"{result.count:>12,} {result.counted}"
        self.stdout.write(f"{result.code}  {result.name:<14} {counted:<36} {how:<7} {result.seconds:8.2f} s")
        if result.breach is not None:
            self.stdout.write(f"    {result.breach.text} ({result.breach.subject})")
