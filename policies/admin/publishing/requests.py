"""Explain a request in sentences to the second person who is asked to agree."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies import currencies
from policies.comparison import Change, compare
from policies.models import Loosening, PolicyVersion

Sentence = dict[str, str]
Show = Callable[[Change], dict[str, Any]]
Kind = Loosening.Kind

_WORDS: Final = {
    Kind.MANDATE: gettext_lazy("%(agent)s on %(surface)s: least oversight %(from)s → %(to)s"),
    Kind.RELEASE: gettext_lazy("%(scope)s ships again"),
    Kind.AGENT: gettext_lazy("%(agent)s may propose again"),
    Kind.OWNER: gettext_lazy("%(agent)s: owner %(from_name)s → %(to_name)s"),
    Kind.KEY: gettext_lazy("%(issuer_name)s issues a key for %(agent)s, which %(owner_name)s owns"),
    Kind.TUNING: gettext_lazy("%(role)s tunes %(surface)s, and says who belongs to %(role)s"),
}
"""Filled in with exactly what was asked for."""
_WHERE: Final = {"kind": gettext_lazy("kind"), "url": gettext_lazy("address"), "executor_id": gettext_lazy("executor")}


def sentences(row: Loosening, show: Show) -> list[dict[str, Any]]:  # one for each kind
    """Return what `row` asks for; `show` draws one difference between two policies."""
    change = row.change
    match row.kind:
        case Kind.PUBLISH:
            return list(change["changes"])
        case Kind.ACTIVATE:
            version = PolicyVersion.objects.filter(pk=change["version"]).first()
            base = row.base.document if row.base else None
            return [show(difference) for difference in compare(base, version.document)] if version else []
        case Kind.ADDRESS:
            return _elsewhere(change)
        case Kind.PERSON:
            return _more_rights(change)
        case Kind.ROLE | Kind.STANDING:
            return [_looser(_more_of_a_role(change) if row.kind == Kind.ROLE else _passes(change))]
    return [_looser(str(_WORDS[Kind(row.kind)]) % change)]


def named(row: Loosening) -> str:
    """Say what was asked for in one line: its kind, and what it is about where the kind leaves that open."""
    kind = row.get_kind_display()
    if row.kind == Kind.PUBLISH:
        return kind
    if row.kind in _WORDS:
        return f"{kind} ({str(_WORDS[Kind(row.kind)]) % row.change})"
    return f"{kind} ({row.change.get('name') or row.subject})"


def _more_of_a_role(change: Mapping[str, Any]) -> str:
    return _("%(name)s may also: %(what)s") % {**change, "what": ", ".join(change["more"])}


def _passes(change: Mapping[str, Any]) -> str:
    """Say what a standing approval would let through, with every bound."""
    amount = change["most_amount"]
    words = {
        "agent": change["agent"],
        "surface": change["surface"],
        "action": change["action"],
        "amount": _("up to %s") % currencies.money(Decimal(amount), change["currency"]) if amount else _("no amount"),
        "uses": change["most_uses"],
        "until": formats.date_format(timezone.localtime(datetime.fromisoformat(change["ends_at"])), "j M Y, H:i"),
    }
    return (
        _(
            "%(action)s by %(agent)s on %(surface)s ships automatically: %(amount)s, at most %(uses)s times,"
            " until %(until)s"
        )
        % words
    )


def _elsewhere(change: Mapping[str, Any]) -> list[Sentence]:
    """Say of a connector where it goes and where it is to go, in full: one letter may be all the difference."""
    requests = []
    for name, value in change["to"].items():
        words = {"connector": change["connector"], "from": change["from"][name] or "—", "to": value or "—"}
        if name == "is_enabled":
            requests.append(_looser(_("%(connector)s ships again") % words))
        else:
            requests.append(_looser(_("%(connector)s: %(what)s %(from)s → %(to)s") % (words | {"what": _WHERE[name]})))
    return requests


_MORE: Final = {
    "roles": gettext_lazy("%(name)s gets the role %(what)s"),
    "permissions": gettext_lazy("%(name)s may also: %(what)s"),
    "is_active": gettext_lazy("%(name)s can sign in again"),
    "is_staff": gettext_lazy("%(name)s can enter the portal's pages"),
    "is_superuser": gettext_lazy("%(name)s becomes a superuser, who may do everything"),
    "email": gettext_lazy("messages to %(name)s, with links that decide, go to %(what)s"),
}


def _more_rights(change: Mapping[str, Any]) -> list[Sentence]:
    """Say what a person gets, and where messages to them go: that decides who reads their decision links."""
    lines = []
    for name, value in change["more"].items():
        what = ", ".join(value) if isinstance(value, list) else value
        lines.append(_looser(str(_MORE[name]) % {"name": change["name"], "what": what}))
    if "email" not in change["more"] and change["from"]["email"]:
        sentence = _("messages to %(name)s go to %(email)s") % {
            "name": change["name"],
            "email": change["from"]["email"],
        }
        lines.append({"sentence": sentence, "direction": "same"})
    return lines


def _looser(sentence: str) -> Sentence:
    return {"sentence": sentence, "direction": "looser"}
