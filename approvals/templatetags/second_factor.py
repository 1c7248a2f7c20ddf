"""The part of a signing form that asks for the second factor, for those who have one."""

from typing import Any

from django import template
from django.contrib.auth.models import User
from django.forms import Form

from policies.accounts import second_factor as factors

register = template.Library()


@register.inclusion_tag("approvals/second_factor.html", takes_context=True)
def second_factor(context: dict[str, Any], form: Form) -> dict[str, Any]:
    """Show the fields `code` and `passkey` of `form` to a person with a second factor."""
    person = context["user"]
    kinds = factors.kinds(person) if isinstance(person, User) else frozenset()
    is_enrolled = bool(kinds & {"totp", "webauthn"})
    return {
        "form": form,
        "is_enrolled": is_enrolled,
        "has_passkey": "webauthn" in kinds,
        "is_missing": not is_enrolled and factors.is_required("signature"),
        "csrf_token": context.get("csrf_token"),
    }
