"""Asking for a second factor before an act that wants one."""

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _


def second_factor_first(request: HttpRequest, act: str) -> HttpResponse | None:
    """Return where a person has to go before they may do `act` by this POST; None if they may.

    Who gave a second factor in the last five minutes may. Others give it first, and their form is then sent on;
    who has none is told how to set one up. What is only read needs none.
    """
    # The sign-in package has models, which are not there yet when the admin's site is made.
    from allauth.account.internal.flows import login, reauthentication  # noqa: PLC0415

    from policies.accounts import second_factor  # noqa: PLC0415

    person = request.user
    if request.method != "POST" or not second_factor.is_required(act) or not isinstance(person, User):
        return None
    kinds = second_factor.kinds(person)
    if not second_factor.is_enrolled(person):
        messages.error(request, _("This needs a second factor. Set one up here, then do it again. Nothing was done."))
        return HttpResponseRedirect(reverse("account"))
    given = [proof["at"] for proof in login.get_authentication_records(request, person) if proof["method"] == "mfa"]
    if given and time.time() - max(given) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
        return None
    way = "mfa_reauthenticate" if "totp" in kinds else "mfa_reauthenticate_webauthn"
    answer: HttpResponse = reauthentication.suspend_request(request, reverse(way))
    return answer
