"""The portal's own app, and the admin with the portal's site."""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig

_COMMAND: Final = re.compile(r"[a-z_]{1,40}")


class PortalConfig(AppConfig):
    """How the program starts; nothing of its domain."""

    name = "hitlportal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the Celery app: a sender of wake-ups must not fall back on Celery's default broker.

        The database's functions are kept as they are here, and kinds of ledger entries are declared.
        """
        from audit.kinds import registry  # noqa: PLC0415
        from audit.ledger import entries  # noqa: PLC0415
        from hitlportal import entry_kinds  # noqa: PLC0415
        from hitlportal.accounts import permissions  # noqa: PLC0415  # models are there only now
        from policies.stored_functions import install_after_migrations  # noqa: PLC0415

        install_after_migrations(self, [permissions.HELD])
        celery = import_module("hitlportal.celery")
        import_module("hitlportal.processes.pulse")
        import_module("hitlportal.processes.sweeping")
        import_module("hitlportal.processes.beat.reminders").join(celery.app)
        import_module("hitlportal.processes.watchdog")
        _hide_tables_of_sign_in()
        registry.register(entry_kinds.KINDS)
        if (command := command_of(sys.argv)) is not None:
            entries.begin_process(entries.Cause.run("command", command))


def command_of(words: Sequence[str]) -> str | None:
    """Return which of the portal's commands a command line calls; None where it calls something else."""
    program, command = [Path(word).name for word in [*words, "", ""][:2]]
    return command if program == "manage.py" and _COMMAND.fullmatch(command) else None


def _hide_tables_of_sign_in() -> None:
    """Take the sign-in package's own tables out of the admin: changed there, nothing would be recorded."""
    for model in list(admin.site._registry):  # noqa: SLF001  # the way to ask what is registered
        if model._meta.app_label in {"account", "mfa", "socialaccount", "usersessions"}:
            admin.site.unregister(model)


class PortalAdminConfig(AdminConfig):
    """Django's admin with the portal's site as the default one."""

    default_site = "hitlportal.admin_site.PortalAdminSite"
