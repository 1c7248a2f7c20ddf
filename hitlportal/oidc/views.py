"""The two addresses of signing in through the identity provider: where it begins, and where it comes back."""

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from hitlportal.oidc import roles
from hitlportal.oidc.provider import PortalOAuth2Adapter

log = logging.getLogger(__name__)


@require_POST
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider.

    By a page rather than a redirect: the page's policy lets forms lead nowhere but to the portal, and it would
    count where a redirect leads.
    """
    oidc = roles.provider()
    provider = get_adapter().get_provider(request, oidc.provider_id)
    try:
        response = provider.redirect_from_request(request)
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
