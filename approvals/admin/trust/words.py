"""Words for trust: what each figure says, what a step still asks for, and what it takes to get there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.presentation import words
from policies.trust.measures import Measures
from policies.trust.sequences import Bounds
from policies.trust.steps import Ask


@dataclass(frozen=True, slots=True)
class TrustFigure:
    """A figure with its name and what it means, in a sentence."""

    name: str
    value: str
    meaning: str
    range: str = ""


def between(bounds: Bounds) -> str:
    """Write bounds: `between 94 % and 99 %`."""
    return _("between %(lower)s and %(upper)s") % {"lower": _down(bounds.lower), "upper": _up(bounds.upper)}


def _down(share: float) -> str:
    return _("%s %%") % f"{floor(share * 1000) / 10:g}"


def _up(share: float) -> str:
    return _("%s %%") % f"{ceil(share * 1000) / 10:g}"


def percent(share: float) -> str:
    """Write a share with one decimal."""
    return _("%s %%") % f"{share * 100:.1f}".removesuffix(".0")


def figures(measures: Measures, *, median_wait: int | None = None) -> list[TrustFigure]:
    """Return every figure of an agent with its meaning."""
    rows = [*_judged(measures), *_shipped(measures), *_confidence(measures)]
    if median_wait is not None:
        wait = words.span(timedelta(seconds=median_wait))
        rows.append(TrustFigure(_("Median wait"), wait, _("Half of the decisions came sooner.")))
    return rows


def _judged(measures: Measures) -> list[TrustFigure]:
    total = measures.total
    return [
        TrustFigure(
            _("Right"),
            percent(measures.share) if total.decided else "—",
            _("People approved it as proposed, or found it right in a sample, and nothing went wrong afterwards."),
            between(measures.right) if total.decided else "",
        ),
        TrustFigure(
            _("Judged"),
            words.number(total.decided),
            _("So many proposals did people judge. What shipped and nobody looked at says nothing."),
        ),
        TrustFigure(
            _("Changed first"),
            words.number(total.edited + total.revised),
            _("Approved only after a person or the agent had changed it. This counts as not right."),
        ),
        TrustFigure(_("Rejected"), words.number(total.rejected), _("A person said no.")),
        TrustFigure(_("Sent back"), words.number(total.returned), _("Waits for the agent to change it; not counted.")),
        TrustFigure(
            _("Taken over, expired"),
            words.number(total.taken_over + total.expired),
            _("Done by hand, or decided by nobody in time. No fault of the agent."),
        ),
    ]


def _shipped(measures: Measures) -> list[TrustFigure]:
    total = measures.total
    return [
        TrustFigure(
            _("Shipped unseen"),
            words.number(total.unseen + total.sampled),
            _("Shipped automatically, before anyone looked."),
        ),
        TrustFigure(
            _("Spot checks found wrong"),
            _("%(wrong)s of %(all)s") % {"wrong": total.sampled_wrong, "all": total.sampled},
            _("Picked at random from what shipped automatically, then checked."),
        ),
        TrustFigure(
            _("Rolled back"),
            words.number(total.rolled_back),
            _("Shipped, and then reversed by a person."),
            between(measures.rolled_back) if total.shipped else "",
        ),
        TrustFigure(
            _("Incidents"), words.number(total.incidents), _("Incidents and complaints that people reported of it.")
        ),
        TrustFigure(
            _("Results as expected"),
            _("%(inside)s of %(all)s") % {"inside": total.inside, "all": total.inside + total.outside},
            _("The result lay within what the agent had expected. Its own reports count only against it."),
        ),
    ]


def _confidence(measures: Measures) -> list[TrustFigure]:
    return [
        TrustFigure(
            _("Error of confidence"),
            "—" if measures.calibration_error is None else percent(measures.calibration_error),
            _("How far “90 % sure” is from being right in 90 of 100 cases. Less is better."),
        ),
        TrustFigure(
            _("Brier score"),
            "—" if measures.brier is None else f"{measures.brier:.3f}",
            _("How far confidence and truth lie apart each time: 0 is perfect, 0.25 a coin."),
        ),
    ]


_MISSING: Final[Mapping[Ask, str | Promise]] = {
    Ask.DECISIONS: gettext_lazy("%(have)s of %(need)s judged proposals since the last step"),
    Ask.DAYS: gettext_lazy("%(have)s of %(need)s days since the last step"),
    Ask.RIGHT: gettext_lazy("surely right %(have_share)s of the time, %(need_share)s is asked"),
    Ask.ROLL_BACKS: gettext_lazy("up to %(have_share)s may be rolled back, at most %(need_share)s is asked"),
    Ask.SAMPLES: gettext_lazy("up to %(have_share)s of samples may be wrong, at most %(need_share)s is asked"),
    Ask.CALIBRATION: gettext_lazy("error of confidence %(have_share)s, at most %(need_share)s is asked"),
    Ask.QUIET: gettext_lazy("%(have)s of %(need)s days without an incident"),
    Ask.COOL_DOWN: gettext_lazy("%(have)s of %(need)s days since it lost its tier"),
}


def missing(row: Mapping[str, Any]) -> str:
    """Say what is missing for a step, and about how long it takes."""
    facts = {
        "have": words.number(row["have"]),
        "need": words.number(row["need"]),
        "have_share": percent(row["have"]),
        "need_share": percent(row["need"]),
    }
    sentence = str(_MISSING[Ask(row["ask"])]) % facts
    more, weeks = row.get("more"), row.get("weeks")
    if more and Ask(row["ask"]) is not Ask.DECISIONS:
        more_words = ngettext("about %s more like before", "about %s more like before", more) % words.number(more)
        sentence = f"{sentence} ({more_words})"
    if weeks:
        week_words = ngettext("about %s week", "about %s weeks", weeks) % words.number(weeks)
        sentence = f"{sentence}, {week_words}"
    return sentence


def soonest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in how many weeks a step is in sight; empty where it is not."""
    if not rows or any(row.get("weeks") is None for row in rows):
        return ""
    longest = max(int(row["weeks"]) for row in rows)
    return ngettext("about %s week", "about %s weeks", longest) % words.number(longest)
