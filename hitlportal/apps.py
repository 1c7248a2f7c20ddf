"""The portal's own app, and the admin with the portal's site."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    """How the program starts; nothing of its domain."""

    name = "hitlportal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the Celery app: a sender of wake-ups must not fall back on Celery's default broker.

        The database's functions are kept as they are here.
        """
        from hitlportal.accounts import permissions  # noqa: PLC0415  # models are there only now
        from policies.stored_functions import install_after_migrations  # noqa: PLC0415

        install_after_migrations(self, [permissions.HELD])
        celery = import_module("hitlportal.celery")
        import_module("hitlportal.processes.pulse")
        import_module("hitlportal.processes.sweeping").join(celery.app)
        import_module("hitlportal.processes.watchdog")
        _hide_tables_of_sign_in()


def _hide_tables_of_sign_in() -> None:
    """Take the sign-in package's own tables out of the admin: changed there, nothing would be recorded."""
    for model in list(admin.site._registry):  # noqa: SLF001  # the way to ask what is registered
        if model._meta.app_label in {"account", "mfa", "socialaccount", "usersessions"}:
            admin.site.unregister(model)


class PortalAdminConfig(AdminConfig):
    """Django's admin with the portal's site as the default one."""

    default_site = "hitlportal.admin_site.PortalAdminSite"
