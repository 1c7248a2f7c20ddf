"""A person's own pages. Some have a second name, by which the sign-in package knows them."""

from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkey
from django.urls import URLPattern, URLResolver, path

from hitlportal.accounts import pages
from hitlportal.accounts.pages import framed, freshly_signed_in, may_make_passkeys, recorded
from hitlportal.oidc import views as oidc

urlpatterns: list[URLPattern | URLResolver] = [
    path("", framed(pages.overview), name="account"),
    path("", framed(pages.overview), name="mfa_index"),
    path("", framed(pages.overview), name="mfa_list_webauthn"),
    path("sessions/", framed(pages.where), name="account_sessions"),
    path("sessions/end/", pages.end_session, name="account_end_session"),
    path("app/add/", framed(freshly_signed_in(recorded(app.activate_totp))), name="mfa_activate_totp"),
    path("app/remove/", framed(recorded(app.deactivate_totp)), name="mfa_deactivate_totp"),
    path("codes/", framed(pages.recovery_codes), name="mfa_view_recovery_codes"),
    path("codes/make/", framed(recorded(codes.generate_recovery_codes)), name="mfa_generate_recovery_codes"),
    path(
        "passkeys/add/",
        framed(may_make_passkeys(freshly_signed_in(recorded(passkey.add_webauthn)))),
        name="mfa_add_webauthn",
    ),
    path("passkeys/<int:pk>/remove/", framed(recorded(passkey.remove_webauthn)), name="mfa_remove_webauthn"),
    path("provider/connect/", oidc.connect, name="account_connect"),
    path("provider/disconnect/", framed(oidc.disconnect), name="account_disconnect"),
    path("passkeys/challenge/", pages.passkey_challenge, name="account_passkey_challenge"),
]
