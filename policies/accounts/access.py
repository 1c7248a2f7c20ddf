"""History of the rights of people and roles, by every way that changes them.

The only writer of AccessChange. Django's own signals tell of every change of a membership or a permission, so that the
admin, the identity provider and commands need not remember to. What comes within `gathered` is one change.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from simple_history.models import HistoricalRecords

from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import Actor
from policies import actors
from policies.models import AccessChange

Standing = dict[str, Any]
FLAGS: Final = ("is_active", "is_staff", "is_superuser")
NOTHING: Final[Standing] = {}

_gathered: ContextVar[dict[str, tuple[Model, Standing]] | None] = ContextVar("gathered_access", default=None)
_actor: ContextVar[Actor | None] = ContextVar("access_actor", default=None)


@contextmanager
def gathered(by: Actor | None = None) -> Iterator[None]:
    """Record what changes within as one change for each account and role; call it inside a transaction.

    What is given and taken back again within is no change. `by` is who does it, where no request tells.
    """
    known: dict[str, tuple[Model, Standing]] = {}
    token, named = _gathered.set(known), _actor.set(by)
    try:
        yield
        for subject, (row, before) in known.items():
            _write(subject, row, before)
    finally:
        _gathered.reset(token)
        _actor.reset(named)


def standing(row: Model) -> Standing:
    """Return what an account or a role may do, as it is stored now; nothing where it is gone."""
    if isinstance(row, Group):
        if not Group.objects.filter(pk=row.pk).exists():
            return NOTHING
        return {"permissions": _codes(row.permissions.all())}
    flags = User.objects.filter(pk=row.pk).values(*FLAGS).first()
    if flags is None or not isinstance(row, User):
        return NOTHING
    roles = [*row.groups.order_by("name").values_list("name", flat=True)]
    return {"roles": roles, "permissions": _codes(row.user_permissions.all()), **flags}


def _codes(permissions: Any) -> list[str]:
    rows = permissions.order_by().values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in rows)


def _subject(row: Model) -> str:
    return f"{'group' if isinstance(row, Group) else 'user'}:{row.pk}"


def _begin(cause: Model, rows: Iterable[Model]) -> None:
    """Remember how `rows` were before `cause` is changed."""
    known = _gathered.get()
    if known is None:
        cause._access_before = [(row, standing(row)) for row in rows]  # type: ignore[attr-defined]  # noqa: SLF001
        return
    for row in rows:
        if (subject := _subject(row)) not in known:
            known[subject] = (row, standing(row))


def _end(cause: Model) -> None:
    """Write down what has become of them; within `gathered` that is done at its end."""
    for row, before in cause.__dict__.pop("_access_before", ()):
        _write(_subject(row), row, before)


def _write(subject: str, row: Model, before: Standing) -> None:
    after = standing(row)
    if after == before:
        return
    by, at = _by(), database_now()
    person = int(by.ref.removeprefix("user:")) if by.ref.startswith("user:") else None
    with transaction.atomic():  # the entry and the row stand or fall together
        AccessChange.objects.create(
            subject=subject, name=str(row), before=before, after=after, at=at, by_id=person, by_name=by.name
        )
        kind = "role.permissions_changed" if isinstance(row, Group) else "account.roles_changed"
        entries.record(kind, subject=subject, actor=by, at=at, data={"before": before, "after": after})


def _by() -> Actor:
    if (named := _actor.get()) is not None:
        return named
    request = getattr(HistoricalRecords.context, "request", None)
    if request is None:
        return actors.command_line()
    person = getattr(request, "user", None)
    return actors.actor(person if isinstance(person, User) else None)


def _membership(sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any, **_more: Any) -> None:
    if action.startswith("post_"):
        _end(instance)
    elif not reverse:
        _begin(instance, [instance])
    else:
        far: Any = Group if sender is Group.permissions.through else User
        held = instance.group_set if far is Group else instance.user_set
        _begin(instance, held.all() if pk_set is None else far.objects.filter(pk__in=pk_set))


def _saving(instance: User, raw: bool, update_fields: Any, **_more: Any) -> None:
    is_new = instance._state.adding  # noqa: SLF001  # documented
    if not raw and not is_new and (update_fields is None or not {*FLAGS}.isdisjoint(update_fields)):
        _begin(instance, [instance])


def _saved(instance: User, created: bool, raw: bool, **_more: Any) -> None:
    if created and not raw and instance.is_superuser:
        _write(_subject(instance), instance, NOTHING)
    _end(instance)


def _deleting(instance: Any, **_more: Any) -> None:
    _begin(instance, [instance, *(instance.user_set.all() if isinstance(instance, Group) else ())])


def _deleted(instance: Any, **_more: Any) -> None:
    _end(instance)


def connect() -> None:
    """Listen to Django, once for this process."""
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_membership, sender=through, dispatch_uid=f"access:{through.__name__}")
    pre_save.connect(_saving, sender=User, dispatch_uid="access:saving")
    post_save.connect(_saved, sender=User, dispatch_uid="access:saved")
    for model in (User, Group):
        pre_delete.connect(_deleting, sender=model, dispatch_uid=f"access:deleting:{model.__name__}")
        post_delete.connect(_deleted, sender=model, dispatch_uid=f"access:deleted:{model.__name__}")
