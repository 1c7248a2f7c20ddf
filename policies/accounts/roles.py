"""Names of roles. Proposals and published policies copy them, so a name stays while anything uses it."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import ForeignKey
from django.utils.translation import gettext_lazy as _

from policies import plain_text
from policies.models import Activation, Rule

Namer = Callable[[str], bool]
_NAMERS: Final[dict[str, tuple[Any, Namer]]] = {}


def register(key: str, label: Any, names: Namer) -> None:
    """Let another app say where it keeps names of roles as text; `names` tells whether a role is among them."""
    _NAMERS[key] = (label, names)


def like(name: str, *, beside: Group) -> str:
    """Return the name of a role other than `beside` that people could not tell from `name`; empty for none."""
    others = Group.objects.exclude(pk=beside.pk).values_list("name", flat=True)
    return next((other for other in others if _as_read(other) == _as_read(name)), "")


def _as_read(name: str) -> str:
    """Return a name without case, kinds of space and of letter, and characters that nobody sees."""
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return plain_text.name(unicodedata.normalize("NFKC", visible)).casefold()


def named_by(role: Group, name: str) -> list[str]:
    """Return, in words, what names a role by `name`, the one it has in the database; at most one of each kind."""
    users = []
    for relation in role._meta.get_fields(include_hidden=True):
        field = getattr(relation, "field", None)
        # History keeps names without a constraint: it says what was, and hinders nothing.
        if isinstance(field, ForeignKey) and field.to_fields == ["name"] and getattr(field, "db_constraint", True):
            rows = field.model._base_manager.filter(**{field.attname: name}).order_by()  # noqa: SLF001
            users += [f"{row._meta.verbose_name} {row}" for row in rows[:1]]
    users += [str(label) for label, names in _NAMERS.values() if names(name)]
    return users


def _rule(name: str) -> bool:
    return any(_is_asked(row.requirements, name) for row in Rule.objects.exclude(requirements=None))


def _is_asked(rows: Any, name: str) -> bool:
    return isinstance(rows, list) and any(isinstance(row, Mapping) and row.get("role") == name for row in rows)


def _policy_in_force(name: str) -> bool:
    latest = Activation.objects.select_related("version").order_by("-id").first()
    return latest is not None and name in _texts(latest.version.document)


def _texts(value: Any) -> Iterable[Any]:
    """Yield every owner and role that stands in a policy."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"role", "owner"} and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _identity_provider(name: str) -> bool:
    return settings.OIDC is not None and name in settings.OIDC.group_map.values()


register("rule", _("a rule, among those whose approvals it needs"), _rule)
register("policy", _("the policy in force"), _policy_in_force)
register("oidc", _("OIDC_GROUP_MAP"), _identity_provider)
