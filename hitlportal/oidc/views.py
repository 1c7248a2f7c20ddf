"""The addresses of signing in through the identity provider, and of connecting an account to it.

Where it begins, and where it comes back: the same for both.
"""

import logging
from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException

from hitlportal.accounts.pages import person_of
from hitlportal.oidc import connecting, roles
from hitlportal.oidc.connecting import ConnectingRefused
from hitlportal.oidc.provider import PortalOAuth2Adapter

log = logging.getLogger(__name__)


@require_POST
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider.

    By a page rather than a redirect: the page's policy lets forms lead nowhere but to the portal, and it would
    count where a redirect leads.
    """
    return _away(request, lambda provider: provider.redirect_from_request(request))


@require_POST
@never_cache
@login_required
@reauthentication_required()  # type: ignore[untyped-decorator]  # allauth has no types
def connect(request: HttpRequest) -> HttpResponse:
    """Send anyone who is signed in, and has just proved it again, to the provider for an identity to connect."""
    person = person_of(request).pk
    return _away(request, lambda provider: provider.redirect(request, AuthProcess.CONNECT, person=person))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def disconnect(request: HttpRequest) -> HttpResponse:
    """Ask whether to disconnect (GET); do it (POST)."""
    oidc, person = roles.provider(), person_of(request)
    if request.method != "POST":
        return TemplateResponse(request, "account/disconnect.html", {"oidc": oidc})
    try:
        connecting.disconnect(person=person)
    except ConnectingRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Disconnected. You do not sign in with %s any more.") % oidc.name)
    return HttpResponseRedirect(reverse("account"))


def _away(request: HttpRequest, redirect: Callable[[Any], Any]) -> HttpResponse:
    """Show the page that leads to the provider, with what `redirect` makes of it."""
    oidc = roles.provider()
    provider = get_adapter().get_provider(request, oidc.provider_id)
    try:
        response = redirect(provider)
    except (OAuth2Error, RequestException, ValueError, KeyError) as error:
        return _failed(request, error)
    except ImmediateHttpResponse as answer:
        return answer.response  # type: ignore[no-any-return]
    if "Location" not in response:
        return response  # type: ignore[no-any-return]
    return render(request, "account/to_provider.html", {"address": response["Location"], "name": oidc.name})


@require_safe
@never_cache
def callback(request: HttpRequest) -> Any:
    """Take what the provider says of who came back."""
    view = OAuth2CallbackView.adapter_view(PortalOAuth2Adapter(request, roles.provider().provider_id))
    try:
        return view(request)
    except (OAuth2Error, RequestException, ValueError, KeyError, TypeError) as error:
        return _failed(request, error)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("The identity provider cannot be used: %s", error)
    return render(request, "account/provider_error.html", {"name": roles.provider().name}, status=403)
