"""Decide who may come in through the identity provider, and as whom."""

import secrets
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from hitlportal.oidc import connecting, roles
from hitlportal.oidc.connecting import ConnectingRefused
from policies.actors import actor


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """The issuer's `sub` is the identity; nothing else that it says finds an account."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Return the provider of the environment; rows in the database add none."""
        oidc = settings.OIDC
        if oidc is None or provider not in {None, "openid_connect", oidc.provider_id}:
            return []
        if client_id not in {None, oidc.client_id}:
            return []
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=oidc.provider_id,
                name=oidc.name[:40],
                client_id=oidc.client_id,
                secret=oidc.client_secret,
                settings={"server_url": oidc.issuer.rstrip("/"), "oauth_pkce_enabled": True},
            )
        ]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Check that the token answers this sign-in; give the roles of its groups, or refuse who has none.

        Anyone who set out to connect an account gets that, and nothing of a sign-in.
        """
        oidc, claims = roles.provider(), sociallogin.claims
        if not secrets.compare_digest(str(sociallogin.state.get("nonce", "")), str(claims["nonce"])):
            raise ImmediateHttpResponse(_refused(request, "account/provider_error.html"))
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_connected(request, sociallogin))
        given = roles.roles_for(claims, oidc)
        if sociallogin.is_existing:
            roles.apply(sociallogin.user, given, oidc)
        if not given and not oidc.admits_unmapped:
            raise ImmediateHttpResponse(_refused(request, "account/no_role.html"))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether somebody new gets an account; `pre_social_login` has refused those who do not."""
        return True

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make the account of somebody new, with the roles of their groups."""
        person: User = sociallogin.user
        person.set_unusable_password()
        get_account_adapter().populate_username(request, person)
        person.save()
        sociallogin.account.user = person
        sociallogin.account.save()
        entries.record(
            "user.added",
            subject=f"user:{person.pk}",
            actor=actor(None),
            at=database_now(),
            data={"by": "identity provider"},
        )
        roles.apply(person, roles.roles_for(sociallogin.claims, roles.provider()), roles.provider())
        return person

    def on_authentication_error(self, request: HttpRequest, provider: Any, **facts: Any) -> None:
        """Show the portal's own page, whatever went wrong."""
        raise ImmediateHttpResponse(_refused(request, "account/provider_error.html"))


def _connected(request: HttpRequest, sociallogin: Any) -> HttpResponse:
    """Connect the identity that came back to the account of who set out, if that is who is signed in."""
    person = request.user
    if not isinstance(person, User) or sociallogin.state.get("person") != person.pk:
        return _refused(request, "account/provider_error.html")
    name = roles.provider().name
    try:
        connecting.connect(person=person, identity=sociallogin.account)
    except ConnectingRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Connected. You can sign in with %s from now on.") % name)
    return HttpResponseRedirect(reverse("account"))


def _refused(request: HttpRequest, template: str) -> HttpResponse:
    return render(request, template, {"name": roles.provider().name}, status=403)
