"""Change connectors. One that exists is pointed elsewhere only by two people.

Anyone who could change that alone would decide where an approved action goes: to another address, or into the hands of
another agent. A new connector is used by no surface until a policy that names it is published, which takes two as well.
"""

from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models import Connector, Loosening
from policies.publishing import loosenings

WHERE: Final = ("kind", "url", "executor_id", "is_enabled")
"""What says where an action goes, and whether it goes at all. Switching a connector off is no loosening."""


@transaction.atomic
def change(*, connector: Connector, by: User, note: str = "") -> Loosening | None:
    """Save what is new of `connector`, an unsaved change of a stored row; ask for what sends actions elsewhere.

    Returns the request that waits for a second person, if it takes one: until then the row keeps its address. Raises
    NotAllowed, or LooseningRefused without a note or where the same was asked already.
    """
    there = Connector.objects.select_for_update().get(pk=connector.pk)
    wanted, was = _where(connector), _where(there)
    elsewhere = {name: value for name, value in wanted.items() if value != was[name] and _loosens(name, value)}
    for name in elsewhere:
        setattr(connector, name, was[name])
    connector.save()
    if not elsewhere:
        return None
    return loosenings.ask(
        kind=Loosening.Kind.ADDRESS,
        subject=f"connector:{there.pk}",
        change={"connector": there.pk, "from": _where(connector), "to": elsewhere},
        by=by,
        note=note,
    )


def redirect_as_asked(loosening: Loosening, by: User) -> bool:
    """Point the connector elsewhere, if it still points to where it did when that was asked."""
    locked = Connector.objects.select_for_update().get(pk=loosening.change["connector"])
    if _where(locked) != loosening.change["from"]:
        return False
    for name, value in loosening.change["to"].items():
        setattr(locked, name, value)
    try:
        locked.full_clean()
    except ValidationError:
        return False
    locked.save(update_fields=list(loosening.change["to"]))
    entries.record(
        "connector.redirected",
        subject=loosening.subject,
        actor=actor(by),
        at=database_now(),
        data={"changes": sorted(loosening.change["to"]), "loosening": loosening.pk},
    )
    return True


def _loosens(name: str, value: object) -> bool:
    return name != "is_enabled" or value is True


def _where(row: Connector) -> dict[str, Any]:
    return {name: getattr(row, name) for name in WHERE}
