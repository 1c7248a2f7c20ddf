"""Databases of another version: recognised by the migrations that they remember and this version does not know."""

from typing import Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

APPS: Final = frozenset({"approvals", "audit", "hitlportal", "policies"})


class OtherVersion(RuntimeError):
    """The database belongs to a version of the portal that this one does not follow; nothing in it was changed."""


def unknown_migrations() -> list[str]:
    """Return the migrations of our apps that the database has had and this version does not know."""
    loader = MigrationLoader(connection)
    unknown = sorted(loader.applied_migrations.keys() - loader.disk_migrations.keys())
    return [f"{app}.{name}" for app, name in unknown if app in APPS]


def require_known() -> None:
    """Raise OtherVersion, which says what to do, if another version made the database."""
    unknown = unknown_migrations()
    if not unknown:
        return
    raise OtherVersion(
        _(
            "Another version of HITL Portal made %(where)s, and this one cannot bring it up to date: it does not know "
            "%(first)s (and %(others)d more). Nothing was changed. To keep what is in it, run the version that made "
            "it. To start with an empty portal, %(how)s and start again."
        )
        % {"where": _where(), "first": unknown[0], "others": len(unknown) - 1, "how": _how()}
    )


def _where() -> str:
    if settings.ENVIRONMENT.database_url:
        return _("the database that DATABASE_URL names")
    return _("the database in %s") % settings.VAR_DIR


def _how() -> str:
    if settings.ENVIRONMENT.database_url:
        return _("set DATABASE_URL to an empty database")
    return _("move %s away, or set VAR_DIR to another folder,") % settings.VAR_DIR
