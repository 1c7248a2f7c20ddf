"""Replays of the policy: ask for one, watch it, read what it says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.admin.review.actions import page_url, person_of
from approvals.people import eligibility
from policies.models import PolicyVersion, ReplayRun, Tier
from policies.publishing import publish, replay_runs

Frame = Mapping[str, Any]
SEE: Final = "policies.view_policyversion"
ASK: Final = ("policies.ask_loosening", "policies.agree_loosening")
MOST_EXAMPLES: Final = 12
"""So many examples of one kind of change are shown, of as many surfaces as there are."""
MOST_ROWS: Final = 50
"""So many surfaces and agents are listed, those with most changes first."""

CHANGES: Final = {
    "gated": (gettext_lazy("Newly needs review"), gettext_lazy("shipped automatically; people would decide")),
    "freed": (gettext_lazy("No longer needs review"), gettext_lazy("people decided; would ship automatically")),
    "blocked": (gettext_lazy("Blocked"), gettext_lazy("would be denied")),
    "reopened": (gettext_lazy("No longer blocked"), gettext_lazy("were denied; people would decide")),
    "stricter": (gettext_lazy("Stricter"), gettext_lazy("same outcome, more oversight")),
    "milder": (gettext_lazy("Less strict"), gettext_lazy("same outcome, less oversight")),
}
FATES: Final = {
    "rejected": gettext_lazy("Rejected by a person"),
    "edited": gettext_lazy("Edited by a person"),
    "rolled_back": gettext_lazy("Rolled back"),
}
OUTCOMES: Final = {
    "allow": gettext_lazy("passes"),
    "require_approval": gettext_lazy("people decide"),
    "deny": gettext_lazy("denied"),
}


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """One surface or agent: its counts in the order of CHANGES, and the minutes of review it would cost more."""

    name: str
    cases: int
    counts: list[int]
    minutes: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One proposal that this person may see, in words."""

    url: str
    title: str
    surface: str
    agent: str
    then: str
    now: str
    because: str
    became: str


@dataclass(frozen=True, slots=True)
class ReplayChange:
    name: str
    title: str
    words: str
    count: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A finished replay as the page shows it."""

    cases: int
    changes: list[ReplayChange]
    added: str
    saved: str
    fates: list[tuple[str, Mapping[str, int]]]
    surfaces: list[ReplayLine]
    agents: list[ReplayLine]
    notes: list[str]


def start(request: HttpRequest) -> HttpResponse:
    """Ask for a replay of the draft, or of the version that the form names."""
    person = person_of(request)
    if not person.has_perm(SEE) or not any(map(person.has_perm, ASK)):
        raise PermissionDenied
    version = _version(request.POST.get("version", ""))
    run = replay_runs.ask(document=version.document if version else publish.document(), by=person, version=version)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = reverse("admin:policies_replay", args=[run.pk])
    return HttpResponseRedirect(back)


def _version(number: str) -> PolicyVersion | None:
    if not number:
        return None
    version: PolicyVersion | None
    version = PolicyVersion.objects.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 9 else None
    if version is None:
        raise Http404
    return version


def show(request: HttpRequest, run_id: int, frame: Frame) -> HttpResponse:
    """Show one replay: how far it is, or what it says. What htmx asks for is the panel alone."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    run = ReplayRun.objects.filter(pk=run_id).first()
    if run is None:
        raise Http404
    context = panel(request, run)
    if getattr(request, "htmx", False):
        return render(request, "approvals/replay_panel.html", context)
    return TemplateResponse(request, "approvals/replay.html", {**frame, **context, "title": _("Replay of the policy")})


def panel(request: HttpRequest, run: ReplayRun | None) -> dict[str, Any]:
    """Return what `approvals/replay_panel.html` needs, to be included in any page."""
    may_ask = request.user.has_perm(SEE) and any(map(request.user.has_perm, ASK))
    sentences = tell(request, run.result) if run is not None and run.result is not None else None
    columns = [title for title, _words in CHANGES.values()]
    return {"run": run, "told": sentences, "may_ask": may_ask, "columns": columns, "here": request.path}


def tell(request: HttpRequest, result: Mapping[str, Any]) -> ReplayResult:
    """Put the figures of a replay into words. Proposals that this person may not see are not named."""
    return ReplayResult(
        cases=result["cases"],
        changes=_changes(request, result),
        added=duration(result["minutes_added"]),
        saved=duration(result["minutes_saved"]),
        fates=[(str(words), result["fates"][name]) for name, words in FATES.items()],
        surfaces=_lines(result["surfaces"]),
        agents=_lines(result["agents"]),
        notes=list(_notes(result)),
    )


def duration(minutes: float) -> str:
    """Say minutes so that people can weigh them: 45 min, 3 h 20 min, 120 h."""
    whole = round(minutes)
    if whole < 60:
        return _("%d min") % whole
    hours, rest = divmod(whole, 60)
    if hours >= 24 or not rest:
        return _("%s h") % f"{round(whole / 60):,}"
    return _("%(hours)d h %(rest)d min") % {"hours": hours, "rest": rest}


def _lines(groups: Mapping[str, Mapping[str, Any]]) -> list[ReplayLine]:
    ordered = sorted(groups.items(), key=lambda item: (-sum(item[1]["changes"].values()), item[0]))
    return [
        ReplayLine(name, group["cases"], [group["changes"].get(change, 0) for change in CHANGES], _signed(group))
        for name, group in ordered[:MOST_ROWS]
    ]


def _signed(group: Mapping[str, Any]) -> str:
    minutes = group.get("minutes_more", 0)
    if not round(minutes):
        return "—"
    sentence = ("+" if minutes > 0 else "−") + duration(abs(minutes))
    return sentence if group["is_measured"] else _("%s (estimated)") % sentence


def _changes(request: HttpRequest, result: Mapping[str, Any]) -> list[ReplayChange]:
    changes = {name: _spread(name, result["surfaces"].values()) for name in CHANGES}
    ids = {row["proposal"] for rows in changes.values() for row in rows}
    visible = eligibility.visible(request.user).filter(pk__in=ids)
    titles = {str(key): title for key, title in visible.values_list("pk", "title")}
    tiers = dict(Tier.objects.values_list("slug", "name"))
    return [
        ReplayChange(
            name=name,
            title=str(title),
            words=str(words),
            count=result["changes"].get(name, 0),
            examples=[_example(row, titles, tiers) for row in changes[name] if row["proposal"] in titles][
                :MOST_EXAMPLES
            ],
        )
        for name, (title, words) in CHANGES.items()
    ]


def _spread(change: str, groups: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return examples of one change, first one of each surface, then another of each."""
    rounds = zip_longest(*(group["examples"].get(change, ()) for group in groups))
    return [row for turn in rounds for row in turn if row is not None]


def _example(row: Mapping[str, Any], titles: Mapping[str, str], tiers: Mapping[str, str]) -> Example:
    because = row["because"]
    return Example(
        url=page_url(UUID(row["proposal"])),
        title=titles[row["proposal"]],
        surface=row["surface"],
        agent=row["agent"],
        then=_outcome(row["then"], tiers),
        now=_outcome(row["now"], tiers),
        because=f"{because['text']} ({because['source']} {because['id']})" if because else "",
        became=", ".join(str(FATES[fate]) for fate in row["became"]),
    )


def _outcome(verdict: Mapping[str, Any], tiers: Mapping[str, str]) -> str:
    words = str(OUTCOMES[verdict["outcome"]])
    return f"{words}: {tiers.get(verdict['tier'], verdict['tier'])}" if verdict["tier"] else words


def _notes(result: Mapping[str, Any]) -> Iterator[str]:
    for slug, number in result["uncounted"].items():
        yield ngettext(
            "The limit %(slug)s was not counted when %(number)s proposal was made: that one is weighed alone.",
            "The limit %(slug)s was not counted when %(number)s proposals were made: each of them is weighed alone.",
            number,
        ) % {"slug": slug, "number": f"{number:,}"}
    if result["unreadable"]:
        yield (
            _("%d proposals were stored in a form that can no longer be read; they are left out.")
            % (result["unreadable"])
        )
