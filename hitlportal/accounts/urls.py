"""Addresses of signing in and out."""

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.webauthn import views as passkey
from django.urls import URLPattern, URLResolver, path

from hitlportal.accounts.pages import framed
from hitlportal.accounts.sign_in import pages
from hitlportal.oidc import views as oidc

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("login/code/", factor.authenticate, name="mfa_authenticate"),
    path("login/passkey/", passkey.login_webauthn, name="mfa_login_webauthn"),
    path("login/mail/", pages.ask, name="sign_in_mail"),
    path("login/link/", pages.use, name="sign_in_link"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("logout/", account.logout, name="account_logout"),
    path("confirm/password/", framed(account.reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", framed(factor.reauthenticate), name="mfa_reauthenticate"),
    path("confirm/passkey/", framed(passkey.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("oidc/login/", oidc.login, name="oidc_login"),
    path("oidc/callback/", oidc.callback, name="oidc_callback"),
]
