#!/usr/bin/env python
"""Run the portal's commands."""

import os
import sys
import tempfile
from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# They read no setting, and one of them makes what the settings lack.
WITHOUT_SETTINGS = frozenset({"make_signing_key"})
# What the terminal and the interpreter need; everything else may be a setting.
KEPT = frozenset({"COLUMNS", "DJANGO_COLORS", "DJANGO_SETTINGS_MODULE", "FORCE_COLOR", "HOME", "LANG", "NO_COLOR",
                  "PATH", "TERM", "TMPDIR"})  # fmt: skip
STANDALONE = (["policy", "lint"], ["policy", "test"], ["policy", "schema"], ["trust", "simulate"])
"""What works in a checkout that nobody has set up."""


def main() -> None:
    """Hand the command line to Django with the portal's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlportal.settings")
    try:
        _ = settings.DEBUG  # reads the settings now, so that no traceback is shown for them
    except ImproperlyConfigured as problem:
        if needs_no_settings(sys.argv[1:]):
            with tempfile.TemporaryDirectory() as var:
                pretend_a_trial(var)
                execute_from_command_line(sys.argv)
            return
        if sys.argv[1:3] not in STANDALONE:
            sys.exit(str(problem))
        os.environ["DJANGO_SETTINGS_MODULE"] = "hitlportal.environment.standalone_settings"
    execute_from_command_line(sys.argv)


def needs_no_settings(words: Sequence[str]) -> bool:
    """Whether the command line only asks what there is, or for a command that reads no setting."""
    asks = {"-h", "--help", "--version"} & {*words}
    return not words or words[0] in WITHOUT_SETTINGS | {"help", "version"} or bool(asks)


def pretend_a_trial(var: str) -> None:
    """Leave none of the settings that are wrong, and let what is missing be made up in a folder that goes away."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(("LC_", "PYTHON"))}
    os.environ.clear()
    os.environ.update({**kept, "DEBUG": "true", "VAR_DIR": var})


if __name__ == "__main__":
    main()
