"""Confirm before something happens, and show a secret once."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from policies.registry.signing_secrets import SecretInvalid


def unquoted(object_id: str) -> str:
    """Return the key that an address of the admin names."""
    return str(unquote(object_id))


def ask(
    owner: ModelAdmin[Any], request: HttpRequest, row: Model, *, title: str, sentence: str, button: str, **more: Any
) -> HttpResponse:
    """Show what would happen, and a button that POSTs to the same address.

    With `wants_note` there is a field for a note; with `people` one to choose one of them; with `takes_secret` one for
    a secret of one's own, and `complaint` says what is wrong with it.
    """
    context = _context(owner, request, row) | {"title": title, "sentence": sentence, "button": button, **more}
    return TemplateResponse(request, "policies/ask.html", context)


def show_once(owner: ModelAdmin[Any], request: HttpRequest, row: Model, *, title: str, secret: str) -> HttpResponse:
    """Show a new secret; no later page can."""
    context = _context(owner, request, row) | {"title": title, "secret": secret}
    response = TemplateResponse(request, "policies/shown_once.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _context(owner: ModelAdmin[Any], request: HttpRequest, row: Model) -> dict[str, Any]:
    address = f"admin:{owner.opts.app_label}_{owner.opts.model_name}_change"
    return {
        **owner.admin_site.each_context(request),
        "opts": owner.opts,
        "row": row,
        "back": reverse(address, args=[row.pk]),
    }


def renew_secret(
    owner: ModelAdmin[Any], request: HttpRequest, row: Any, *, sentence: str, renew: Callable[[str], str]
) -> HttpResponse:
    """Ask (GET), then put the secret that was typed, or a random one, in place and show it once (POST)."""
    complaint = ""
    if request.method == "POST":
        try:
            secret = renew(request.POST.get("secret", "").strip())
        except SecretInvalid as refusal:
            complaint = str(refusal)
        else:
            return show_once(owner, request, row, title=_("The new secret of %s") % row, secret=secret)
    question = {"title": _("Make a new secret?"), "sentence": sentence, "button": _("Make a new secret")}
    return ask(owner, request, row, **question, takes_secret=True, complaint=complaint)
