"""Overdue work in words, for the health page and the overview."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.figures import lag
from approvals.figures.heartbeats import PROGRAMS
from approvals.figures.lag import Lag

KEEPS: Final = "policies.change_connector"
# What everybody should know who decides: nothing ships or reminds, or a new policy does not bind everything yet.
FOR_ALL: Final = frozenset({*PROGRAMS, "reevaluation"})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that needs a look."""

    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Behind:
    """All that needs a look, and where to look if the person may."""

    lines: Sequence[Line]
    url: str


def of(person: User) -> Behind | None:
    """Return what is behind, as far as it concerns the person; None if all is well."""
    keeps = person.has_perm(KEEPS)
    late = [one for one in lag.measure_all(None if keeps else FOR_ALL) if one.is_late]
    if not late:
        return None
    return Behind([Line(str(one.label), sentence(one)) for one in late], reverse("admin:health") if keeps else "")


def sentence(one: Lag) -> str:
    """Say in words how far one kind of work is, such as “2 s behind”."""
    if not one.rows:
        return _("up to date")
    if one.kind in PROGRAMS:
        return _("not heard of for %s") % duration(one.seconds) if one.seconds else _("not heard of yet")
    if one.kind in {"receivers", "channels"}:
        return ngettext("%(rows)d fails", "%(rows)d fail", one.rows) % {"rows": one.rows}
    return _("%(lag)s behind (%(rows)s)") % {
        "lag": duration(one.seconds),
        "rows": ngettext("%d waits", "%d wait", one.rows) % one.rows,
    }


def duration(seconds: float) -> str:
    """Say a duration as people do: seconds up to two minutes, minutes up to two hours, then hours."""
    if seconds < 120:
        return _("%d s") % seconds
    if seconds < 7200:
        return _("%d min") % (seconds / 60)
    return _("%d h") % (seconds / 3600)
