"""Connecting an account that exists to an identity at the provider, and ending that.

Only people who are signed in here connect, after they have proved themselves again, and only the identity with which
they then come back from the provider. Nothing that a token says finds an account.
"""

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from hitlportal.oidc.roles import provider
from policies.accounts import second_factor
from policies.actors import actor


class ConnectingRefused(ValueError):
    """The account and the identity stay as they were; the text says why."""


def is_connected(person: User) -> bool:
    """Whether `person` can sign in with an identity at the provider. Raises Http404 where there is none."""
    return bool(SocialAccount.objects.filter(user=person, provider=provider().provider_id).exists())


def is_only_way(person: User) -> bool:
    """Whether the identity at the provider is all that `person` can sign in with."""
    return not (person.has_usable_password() or "webauthn" in second_factor.kinds(person))


@transaction.atomic
def connect(*, person: User, identity: SocialAccount) -> None:
    """Let `person` sign in with `identity`, which the provider has just vouched for, from now on.

    Roles change when they next sign in with it, and not by this. Raises ConnectingRefused where either is
    connected already.
    """
    # Two browsers at the same time must not connect two identities.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
    name = provider().name
    owner = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    if owner is not None and owner.user_id != person.pk:
        raise ConnectingRefused(_of_another(name))
    if owner is not None:
        raise ConnectingRefused(_("It is connected already."))
    if is_connected(person):
        raise ConnectingRefused(
            _("Another account at %s is connected to yours. Disconnect that one first. Nothing was changed.") % name
        )
    identity.user = person
    try:
        with transaction.atomic():
            identity.save(force_insert=True)
    except IntegrityError as error:
        raise ConnectingRefused(_of_another(name)) from error
    _record("user.identity_connected", person)


@transaction.atomic
def disconnect(*, person: User) -> None:
    """Let `person` sign in with an identity at the provider no longer. Roles stay; they follow no groups any more.

    Raises ConnectingRefused where they could not sign in any more, or nothing is connected.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if is_only_way(locked):
        raise ConnectingRefused(_("It is your only way to sign in. Add a passkey first. Nothing was changed."))
    accounts = SocialAccount.objects.filter(user=locked, provider=provider().provider_id)
    if not accounts.exists():
        raise ConnectingRefused(_("It is not connected."))
    accounts.delete()
    _record("user.identity_disconnected", locked)


def _of_another(name: str) -> str:
    return _("That account at %s signs in someone else here. Nothing was changed.") % name


def _record(kind: str, person: User) -> None:
    entries.record(
        kind,
        subject=f"user:{person.pk}",
        actor=actor(person),
        at=database_now(),
        data={"issuer": provider().issuer},
    )
