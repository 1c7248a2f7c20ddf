"""Requests that take oversight away: one person asks, another agrees. The only writer of Loosening.

Nothing is changed here. `publish`, `rights`, `tuning` and the modules of `registry` ask; `registry.agreement` lets
them act once a second person has agreed.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies import plain_text
from policies.actors import actor
from policies.models import Loosening, PolicyVersion

ASK: Final = "policies.ask_loosening"
AGREE: Final = "policies.agree_loosening"
Status = Loosening.Status

# One at a time: publishing, asking or answering. The number only has to be the same everywhere.
_LOCK: Final = 0x48495401


class LooseningRefused(ValueError):
    """This needs a second person, or another one. Nothing changed."""

    code = "loosening_refused"


class NotAllowed(LooseningRefused):
    """This person may not ask for, or agree to, less oversight."""

    code = "not_allowed"


def one_at_a_time() -> None:
    """Wait until nobody else publishes, asks or answers; holds until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def require(person: User, permission: str) -> None:
    """Raise NotAllowed unless `person` may sign in and has the permission."""
    if not person.has_perm(permission):
        raise NotAllowed(_("You may not do this. It takes the permission %s.") % permission)


@transaction.atomic
def ask(
    *,
    kind: Loosening.Kind,
    subject: str,
    change: Mapping[str, Any],
    by: User,
    note: str,
    base: PolicyVersion | None = None,
    permission: str | None = ASK,
) -> Loosening:
    """Ask for exactly `change`. A waiting request of the same subject for something else is overtaken.

    Without a `permission`, of people who may ask for this alone, nothing that somebody else has asked for is overtaken.
    Raises NotAllowed, or LooseningRefused where the very same is waiting already or nobody says why.
    """
    if permission is not None:
        require(by, permission)
    if not plain_text.has_something_visible(note):
        raise LooseningRefused(_("Say why, for the person who is to agree."))
    one_at_a_time()
    waiting = Loosening.objects.select_for_update().filter(kind=kind, subject=subject, status=Status.WAITING).first()
    if waiting is not None:
        if waiting.change == change and waiting.base_id == (base.pk if base else None):
            raise LooseningRefused(_("%s has asked for exactly this already.") % waiting.asked_by_name)
        _overtake(waiting, by=by, is_own_only=permission is None)
    at = database_now()
    loosening = Loosening.objects.create(
        kind=kind,
        subject=subject,
        change=dict(change),
        note=plain_text.kept(note)[:500],
        base=base,
        asked_by=by,
        asked_by_name=actor(by).name,
        asked_at=at,
    )
    _record("asked", loosening, by=by)
    return loosening


def _overtake(waiting: Loosening, *, by: User, is_own_only: bool) -> None:
    if is_own_only and waiting.asked_by_id != by.pk:
        sentence = _("%s has asked for something else here, which has to be answered first.")
        raise LooseningRefused(sentence % waiting.asked_by_name)
    settle(waiting, Status.OUTDATED, by=by)


def lock_to_agree(loosening_id: int, *, by: User) -> Loosening:
    """Lock a request to which `by` agrees. Raises NotAllowed or LooseningRefused, and DoesNotExist."""
    require(by, AGREE)
    waiting = _lock(loosening_id)
    if waiting.asked_by_id == by.pk:
        raise NotAllowed(_("You asked for this yourself, so someone else has to agree."))
    return waiting


@transaction.atomic
def refuse(*, loosening_id: int, by: User) -> Loosening:
    """Say no to a request; the person who asked may take it back with the same. Raises as `lock_to_agree` does."""
    one_at_a_time()
    waiting = _lock(loosening_id)
    if waiting.asked_by_id != by.pk:
        require(by, AGREE)
    settle(waiting, Status.REFUSED, by=by)
    return waiting


def settle(waiting: Loosening, status: Loosening.Status, *, by: User) -> None:
    """Write down how a locked request ended."""
    waiting.status = status
    waiting.answered_by = by
    waiting.answered_by_name = actor(by).name
    waiting.answered_at = database_now()
    waiting.save()
    _record({Status.DONE: "agreed", Status.REFUSED: "refused"}.get(status, "overtaken"), waiting, by=by)


def waiting_now() -> list[Loosening]:
    """Return the requests that wait for a second person, oldest first."""
    return list(Loosening.objects.filter(status=Status.WAITING).select_related("base", "asked_by").order_by("pk"))


def _lock(loosening_id: int) -> Loosening:
    loosening = Loosening.objects.select_for_update().get(pk=loosening_id)
    if loosening.status != Status.WAITING:
        raise LooseningRefused(_("This was answered already: %s.") % loosening.get_status_display())
    return loosening


def _record(what: str, row: Loosening, *, by: User) -> None:
    data = {"kind": str(row.kind), "of": row.subject, "asked_by": f"user:{row.asked_by_id}"}
    entries.record(f"loosening.{what}", subject=f"loosening:{row.pk}", actor=actor(by), at=database_now(), data=data)
