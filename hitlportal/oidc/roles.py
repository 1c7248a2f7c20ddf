"""Groups of the identity provider → roles of the portal."""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import Http404

from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor
from hitlportal.environment.sign_in import OpenIdConnect
from policies.accounts import access
from policies.actors import actor

log = logging.getLogger(__name__)


def provider() -> OpenIdConnect:
    """Return the identity provider. Raises Http404 where none is configured."""
    connection: OpenIdConnect | None = settings.OIDC
    if connection is None:
        raise Http404
    return connection


def groups_of(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """Return the groups that a token names under `path`: a claim, or parts with dots such as `realm_access.roles`."""
    groups: Any = claims.get(path)
    if groups is None:
        groups = claims
        for part in path.split("."):
            groups = groups.get(part) if isinstance(groups, Mapping) else None
    if isinstance(groups, str):
        return frozenset([groups])
    return frozenset(name for name in groups if isinstance(name, str)) if isinstance(groups, list) else frozenset()


def roles_for(claims: Mapping[str, Any], oidc: OpenIdConnect) -> frozenset[str]:
    """Return the names of the roles that the groups in a token give."""
    groups = groups_of(claims, oidc.groups_claim)
    return frozenset(role for group, role in oidc.group_map.items() if group in groups)


@transaction.atomic
def apply(person: User, given: frozenset[str], oidc: OpenIdConnect) -> None:
    """Give `person` exactly the mapped roles in `given`. Roles that no group is mapped to are left alone.

    Who gets a role may also enter the admin, where the roles count. Nobody becomes a superuser here.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    held = frozenset(locked.groups.values_list("name", flat=True))
    mapped = frozenset(oidc.group_map.values())
    wanted = (held - mapped) | given
    rows = {group.name: group for group in Group.objects.filter(name__in=wanted | held)}
    if missing := sorted(given - rows.keys()):
        log.warning("OIDC_GROUP_MAP names roles that the portal does not have: %s.", ", ".join(missing))
        wanted -= frozenset(missing)
    enters = bool(given & rows.keys()) and not locked.is_staff
    if wanted == held and not enters:
        return
    with access.gathered(Actor(SYSTEM.ref, "identity provider")):
        locked.groups.set([rows[name] for name in wanted])
        if enters:
            locked.is_staff = True
            locked.save(update_fields=["is_staff"])
    entries.record(
        "user.roles_changed",
        subject=f"user:{locked.pk}",
        actor=actor(None),
        at=database_now(),
        data={"by": "identity provider", "added": sorted(wanted - held), "removed": sorted(held - wanted)},
    )
