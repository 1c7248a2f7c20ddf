"""A demo that starts afresh, because another version left what is in its folder."""

import shutil
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from hitlportal.demo.memory import Folder
from hitlportal.health import versions


def make_room(folder: Folder, *, agrees: Callable[[str], bool]) -> None:
    """Empty a demo that another version made, if a person agrees.

    Raises OtherVersion if they do not; then nothing was changed.
    """
    if not versions.unknown_migrations():
        return
    question = _(
        "Another version of HITL Portal made the demo in %s, and this one cannot go on with it. "
        "Start afresh? Its proposals, its logins and its e-mails are then deleted."
    )
    if not agrees(question % folder.path):
        versions.require_known()
    empty(folder)


def empty(folder: Folder) -> None:
    """Delete all tables of the demo's database, and what its folder remembers; its log stays."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    keepsake = [settings.LEDGER_KEEPSAKE] if settings.LEDGER_KEEPSAKE else []
    for path in (folder.memory, folder.journal, folder.deliveries, *keepsake):
        path.unlink(missing_ok=True)
    for messages in (folder.mail, settings.BROKER_DIR / "messages"):
        shutil.rmtree(messages, ignore_errors=True)
