"""The charts of the overview: drawn on the server, sent as pictures of their own.

The portal's pages allow no inline style, so a chart is no part of a page. It comes in a light and in a
dark version, and the page shows the one that fits its theme.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from xml.etree import ElementTree

import pygal
from csp.constants import NONE, UNSAFE_INLINE
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import formats
from django.utils.translation import gettext as _
from pygal.style import Style

from approvals.admin.review.actions import person_of
from approvals.figures import trend
from approvals.figures.trend import Day
from approvals.people import eligibility
from approvals.presentation import words
from audit.clock import database_now

THEMES: Final = ("light", "dark")
COLOURS: Final = {
    "light": {"bar": "#3b5bcc", "text": "#596175", "line": "#c3cadb"},
    "dark": {"bar": "#7e9bff", "text": "#a6aec2", "line": "#3a4258"},
}
WIDTH, HEIGHT = 480, 220
"""Small, so that a phone shrinks the letters little."""
POLICY: Final = {"default-src": [NONE], "style-src": [UNSAFE_INLINE], "frame-ancestors": [NONE]}


def waiting(days: Sequence[Day]) -> list[float | None]:
    """Return what waited at the end of each day."""
    return [day.waiting for day in days]


def hours(days: Sequence[Day]) -> list[float | None]:
    """Return the median hours to a decision on each day; None where there was none."""
    return [None if day.wait is None else day.wait / timedelta(hours=1) for day in days]


CHARTS: Final[Mapping[str, Callable[[Sequence[Day]], list[float | None]]]] = {"queue": waiting, "wait": hours}


def alternative(name: str, days: Sequence[Day]) -> str:
    """Say in words what a chart shows; the figures themselves are in the table beside it."""
    if name == "queue":
        facts = {"first": words.number(days[0].waiting), "last": words.number(days[-1].waiting)}
        most = words.number(max(day.waiting for day in days))
        sentence = _("Bars: proposals waiting at the end of each of the last 14 days.")
        return f"{sentence} " + _("%(first)s at first, %(last)s today, %(most)s at most.") % {**facts, "most": most}
    sentence = _("Bars: median time to a decision on each of the last 14 days.")
    waits = [day.wait for day in days if day.wait is not None]
    if not waits:
        return f"{sentence} " + _("Nothing was decided.")
    facts = {"least": words.span(min(waits)), "most": words.span(max(waits)), "last": words.span(waits[-1])}
    return f"{sentence} " + _("From %(least)s to %(most)s; %(last)s most recently.") % facts


def draw(name: str, theme: str, days: Sequence[Day]) -> bytes:
    """Return one chart as SVG. No script in it, no font and nothing else from elsewhere."""
    colours = COLOURS[theme]
    family = "system-ui, sans-serif"
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground=colours["text"],
        foreground_strong=colours["text"],
        foreground_subtle=colours["text"],
        guide_stroke_color=colours["line"],
        major_guide_stroke_color=colours["line"],
        guide_stroke_dasharray="none",
        major_guide_stroke_dasharray="none",
        colors=(colours["bar"],),
        opacity="1",
        font_family=family,
        label_font_size=13,
        major_label_font_size=13,
        no_data_font_size=18,
        transition="0s",
    )
    values = CHARTS[name](days)
    chart = pygal.Bar(
        style=style, js=[], width=WIDTH, height=HEIGHT, explicit_size=True, show_legend=False, margin=4, spacing=8,
        rounded_bars=2, include_x_axis=True, max_scale=4, min_scale=2, x_labels_major_every=3, truncate_label=-1,
        show_minor_x_labels=False, no_data_text=_("Nothing yet"),
        value_formatter=_axis if name == "queue" else _axis_hours,
        # A count has no fractions.
        order_min=0 if name == "queue" else None,
        range=(0, max([*(value for value in values if value is not None), 1])),
    )  # fmt: skip
    chart.x_labels = [formats.date_format(day.day, "j M") for day in days]
    chart.add("", values)
    tree = chart.render_tree()
    for part in list(tree.iter()):
        for script in [child for child in part if str(child.tag).endswith("script")]:
            part.remove(script)
    return bytes(ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True))


def _axis(value: float) -> str:
    return words.number(round(value, 1))


def _axis_hours(value: float) -> str:
    return _("%s h") % words.number(round(value, 1))


def chart(request: HttpRequest, frame: Mapping[str, Any], *, name: str, theme: str) -> HttpResponse:
    """Send one chart of what this person may see."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    person = person_of(request)
    if not (person.has_perm(eligibility.SEE) or person.has_perm(eligibility.SEE_ALL)):
        raise Http404
    days = trend.days(trend.Scope(person), at=database_now())
    answer = HttpResponse(draw(name, theme, days), content_type="image/svg+xml")
    answer["Cache-Control"] = f"private, max-age={trend.KEPT_SECONDS}"
    # A picture needs its own style and nothing else; django-csp reads this instead of the site's policy.
    answer._csp_replace = POLICY  # type: ignore[attr-defined]  # noqa: SLF001
    return answer


PAGES: Final = {
    f"chart_{name}_{theme}": (f"charts/{name}-{theme}.svg", partial(chart, name=name, theme=theme))
    for name in CHARTS
    for theme in THEMES
}
