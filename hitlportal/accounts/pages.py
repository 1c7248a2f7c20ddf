"""A person's own pages: what protects their account, and where they are signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as passkeys
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from audit.clock import database_now
from hitlportal.middleware import PERMISSIONS_POLICY
from hitlportal.oidc import connecting
from policies.accounts import second_factor, sessions

MAKING: Final = "publickey-credentials-create"
Page = Callable[..., HttpResponse]


def person_of(request: HttpRequest) -> User:
    """Return who is signed in; `login_required` lets nobody else this far."""
    assert isinstance(request.user, User)
    return request.user


def framed(view: Page) -> Page:
    """Put a page of the account into the portal's frame."""

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse):
            frame = admin.site.each_context(request) | {"is_nav_sidebar_enabled": False}
            response.context_data = frame | (response.context_data or {})
        return response

    return page


def recorded(view: Page) -> Page:
    """Let a page that changes second factors write its ledger entry, in the transaction of the change."""

    @wraps(view)
    @login_required
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request, *args, **kwargs)
        person = person_of(request)
        with transaction.atomic():
            before = second_factor.held_by(person)
            response = view(request, *args, **kwargs)
            second_factor.record_changes(person=person, before=before, by=person)
        return response

    return page


def freshly_signed_in(view: Page) -> Page:
    """Ask people who have nothing here to prove themselves with, to sign in once more before they get it.

    Their password is the identity provider's. Without this a stolen session could make itself a second factor.
    """

    @wraps(view)
    @login_required
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = person_of(request)
        if not person.has_usable_password() and not second_factor.is_enrolled(person):
            proofs = get_authentication_records(request, person)
            age = database_now().timestamp() - (proofs[-1]["at"] if proofs else 0)
            if age > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
                return TemplateResponse(request, "account/sign_in_again.html", {"next": request.path})
        return view(request, *args, **kwargs)

    return page


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the account is protected, and what to do next."""
    person = person_of(request)
    held = list(Authenticator.objects.filter(user=person).order_by("pk"))
    of_kind = {kind: [one for one in held if one.type == kind] for kind in Authenticator.Type.values}
    codes = of_kind[Authenticator.Type.RECOVERY_CODES]
    context = {
        "title": _("Your account"),
        "app": next(iter(of_kind[Authenticator.Type.TOTP]), None),
        "passkeys": [(one, one.wrap().name) for one in of_kind[Authenticator.Type.WEBAUTHN]],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
        "is_enrolled": second_factor.is_enrolled(person),
        "is_required": bool(settings.REQUIRE_SECOND_FACTOR),
        "has_password": person.has_usable_password(),
        "places": sessions.count(person),
        "oidc": settings.OIDC,
        "is_connected": settings.OIDC is not None and connecting.is_connected(person),
        "is_only_way": connecting.is_only_way(person),
    }
    return TemplateResponse(request, "account/overview.html", context)


@require_safe
@login_required
def where(request: HttpRequest) -> HttpResponse:
    """List where the person is signed in."""
    places = sessions.places(person_of(request), request.session.session_key or "")
    context = {
        "title": _("Where you are signed in"),
        "places": places,
        "others": sum(not place.is_current for place in places),
    }
    return TemplateResponse(request, "account/sessions.html", context)


@require_POST
@login_required
def end_session(request: HttpRequest) -> HttpResponse:
    """End one session, or (`number` is `others`) all but this one."""
    person, number = person_of(request), request.POST.get("number", "")
    if number == "others":
        ended = sessions.end_others(person=person, current=request.session.session_key or "", by=person)
    elif number.isascii() and number.isdecimal() and len(number) < 10:
        ended = sessions.end_one(person=person, number=int(number), by=person)
    else:
        raise Http404
    if ended:
        messages.success(request, _("Signed out there."))
    else:
        messages.info(request, _("Nobody was signed in there any more."))
    return HttpResponseRedirect(reverse("account_sessions"))


@require_safe
@login_required
@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]  # allauth has no types
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show the recovery codes that are left."""
    held = Authenticator.objects.filter(user=person_of(request), type=Authenticator.Type.RECOVERY_CODES).first()
    if held is None:
        raise Http404
    context = {"title": _("Recovery codes"), "codes": held.wrap().get_unused_codes()}
    return TemplateResponse(request, "mfa/recovery_codes/index.html", context)


@require_POST
@login_required
@never_cache
def passkey_challenge(request: HttpRequest) -> HttpResponse:
    """Answer what a passkey of this person has to sign for a signature; the challenge is kept in the session."""
    if "webauthn" not in second_factor.kinds(person_of(request)):
        raise Http404
    return JsonResponse({"request_options": passkeys.begin_authentication(person_of(request))})


def may_make_passkeys(view: Page) -> Page:
    """Let the browser of this page alone make passkeys; elsewhere the Permissions-Policy forbids it."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY.replace(f"{MAKING}=()", f"{MAKING}=(self)")
        return response

    return page
