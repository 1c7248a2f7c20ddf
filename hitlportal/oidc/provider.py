"""The identity provider as allauth sees it."""

import secrets
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from hitlportal.oidc import roles, tokens


class PortalOAuth2Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """Believes nothing but the signed ID token."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the provider publishes of itself. Raises OAuth2Error if it calls itself another issuer."""
        config: dict[str, Any] = super().openid_config
        if config.get("issuer") != roles.provider().issuer:
            raise OAuth2Error("The provider calls itself by another name than OIDC_ISSUER.")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **facts: Any) -> Any:
        """Return the sign-in that an answer of the provider stands for. Raises OAuth2Error."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = answer.json()
        claims = tokens.read(
            facts["response"].get("id_token") or "", keys=keys, issuer=roles.provider().issuer, client_id=app.client_id
        )
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.claims = claims
        return login

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Return where the provider sends people back to; this address is registered there."""
        return f"{settings.SITE_URL}{reverse('oidc_callback')}"


class PortalProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth has no types
    """One provider, with PKCE and a nonce, and nothing that a link could add to the question."""

    oauth2_adapter_class = PortalOAuth2Adapter

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        """Return where signing in begins."""
        return reverse("oidc_login")

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Return what is asked: always a sign-in, with our own scope."""
        kwargs: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        return {**kwargs, "process": AuthProcess.LOGIN, "scope": self.get_scope(), "auth_params": None}

    def redirect(self, request: HttpRequest, process: str, **kwargs: Any) -> Any:
        """Send the browser off with a nonce, which the ID token has to bring back."""
        nonce = secrets.token_urlsafe(32)
        kwargs["auth_params"] = {**self.get_auth_params(), "nonce": nonce}
        return super().redirect(request, process, nonce=nonce, **kwargs)

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        """Return none: what a provider says of e-mail addresses links to no account."""
        return []

    def cleanup_email_addresses(self, email: str | None, addresses: list[Any], email_verified: bool = False) -> Any:  # noqa: FBT002  # allauth's signature
        """Keep the address for messages only."""
        return email if email_verified else None

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the name and, if the provider has verified it, the address of a new person."""
        claims = data["id_token"]
        fields: dict[str, Any] = super().extract_common_fields(data)
        return fields | {"email_verified": claims.get("email_verified") is True}

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep nothing of the token but who and for which sign-in."""
        return {"id_token": {name: data["id_token"][name] for name in ("iss", "sub", "nonce")}}


provider_classes = [PortalProvider]
