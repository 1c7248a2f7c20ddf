"""The page on which the policy is published: what changes, what is wrong, what the tests say, and who agrees."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from policies.accounts import tuning
from policies.admin.publishing import choice, requests
from policies.admin.recorded import person_of
from policies.comparison import Change
from policies.models import Activation, Loosening, PolicyVersion
from policies.publishing import drafts, loosenings, publish
from policies.publishing.drafts import Draft
from policies.publishing.loosenings import LooseningRefused
from policies.publishing.publish import PolicyInvalid
from policies.publishing.validation import PolicyProblem
from policies.registry import agreement

MOST_VERSIONS: Final = 20
SEE: Final = "policies.view_policyversion"
Frame = Mapping[str, Any]


def may_see_all(person: Any) -> bool:
    """Whether a person is shown all that waits to be published."""
    return bool(person.has_perm(SEE) or person.has_perm(loosenings.ASK) or person.has_perm(loosenings.AGREE))


def may_see(person: Any) -> bool:
    """Whether a person is shown what waits to be published, or what of it tunes their surfaces."""
    return may_see_all(person) or bool(person.has_perm(tuning.TUNE))


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show the draft (GET); publish, ask, agree, refuse or activate (POST).

    What a replay says of the draft is kept elsewhere; its caller adds it to the context.
    """
    person = person_of(request)
    if not may_see(person):
        raise PermissionDenied
    if request.method == "POST":
        return _act(request)
    surfaces = tuning.surfaces_of(person)
    sees_all = may_see_all(person)
    everything = publish.pending()
    whole = everything if sees_all else drafts.within(everything, surfaces)
    picked = choice.picked(request, whole)
    draft = picked.draft if picked else whole
    rows = [row for row in loosenings.waiting_now() if sees_all or row.asked_by_id == person.pk]
    waiting = [_request(row, whole, person) for row in rows]
    may_publish, may_agree = person.has_perm(loosenings.ASK) or bool(surfaces), person.has_perm(loosenings.AGREE)
    context = {
        **frame,
        "title": _("Publish the policy") if may_publish or may_agree else _("Changes to the policy"),
        "draft": draft,
        **choice.context(whole, picked, _shown),
        "changes": [_shown(change) for change in draft.changes],
        "problems": [(_linked(problem), problem) for problem in draft.problems],
        "warnings": [(_linked(problem), problem) for problem in draft.warnings],
        "failed": [result for result in draft.results if not result.is_passed],
        "waiting": waiting,
        "only": picked.chosen if picked else () if whole.digest == everything.digest else drafts.part_names(whole),
        "is_asked": any(row["is_the_draft"] and row["digest"] == draft.digest for row in waiting),
        "versions": _versions(draft.base),
        "may_publish": may_publish,
        "may_activate": person.has_perm(loosenings.ASK),
        "may_agree": may_agree,
    }
    return TemplateResponse(request, "policies/publish.html", context)


def _act(request: HttpRequest) -> HttpResponse:
    """Do what was asked for, and lead back to the page; with the choice, where it was refused."""
    act = _ACTS.get(request.POST.get("do", ""))
    if act is not None:
        try:
            act(request)
        except (LooseningRefused, PolicyInvalid) as refusal:
            messages.error(request, str(refusal))
            return choice.back(request)
        except (Loosening.DoesNotExist, PolicyVersion.DoesNotExist, ValueError):
            messages.error(request, _("This no longer exists."))
    return HttpResponseRedirect(reverse("admin:policies_publish"))


def _publish(request: HttpRequest) -> None:
    form = request.POST
    chosen = form.getlist("only")
    done = publish.publish(by=person_of(request), note=form.get("note", ""), seen=form.get("seen", ""), chosen=chosen)
    _tell(request, done)


def _activate(request: HttpRequest) -> None:
    version = PolicyVersion.objects.get(pk=int(request.POST.get("version", "")))
    _tell(request, publish.activate(version=version, by=person_of(request), note=request.POST.get("note", "")))


def _tell(request: HttpRequest, done: publish.Published) -> None:
    if done.asked is not None:
        messages.warning(request, _("Asked. It takes effect once a second person agrees."))
    elif done.version is not None:
        messages.success(request, _("Version %s is in force.") % done.version.number)
        for warning in publish.pending().warnings:
            messages.warning(request, f"{warning.thing} {warning.id}: {warning.text}")


def _agree(request: HttpRequest) -> None:
    agreed = agreement.agree(loosening_id=int(request.POST.get("loosening", "")), by=person_of(request))
    if agreed.status == Loosening.Status.DONE:
        messages.success(request, _("Agreed, and done: %s.") % requests.named(agreed))
    else:
        messages.error(request, _("Something has changed since this was asked, so nothing was done. Ask again."))


def _refuse(request: HttpRequest) -> None:
    refused = loosenings.refuse(loosening_id=int(request.POST.get("loosening", "")), by=person_of(request))
    messages.success(request, _("Refused: %s.") % requests.named(refused))


_ACTS: Final[Mapping[str, Callable[[HttpRequest], None]]] = {
    "publish": _publish,
    "activate": _activate,
    "agree": _agree,
    "refuse": _refuse,
}


def _shown(change: Change) -> dict[str, Any]:
    return {"sentence": change.sentence, "direction": change.direction, "url": address_of(change.thing, change.id)}


def _linked(problem: PolicyProblem) -> str:
    return address_of(problem.thing, problem.id)


_MODELS: Final = {"test": "policytest"}


def address_of(thing: str, slug: str) -> str:
    """Return where a row of the policy is edited; the list, where the name is no key."""
    model = _MODELS.get(thing, thing)
    try:
        if thing in {"requirement", "escalation"} or not slug:
            return reverse(f"admin:policies_{model}_changelist")
        return reverse(f"admin:policies_{model}_change", args=[slug])
    except NoReverseMatch:
        return ""


def _request(row: Loosening, draft: Draft, person: Any) -> dict[str, Any]:
    """Return what a second person has to know of a request."""
    return {
        "row": row,
        "sentences": requests.sentences(row, _shown),
        "is_own": row.asked_by_id == person.pk,
        "is_the_draft": row.kind == Loosening.Kind.PUBLISH and publish.is_still_asked(row, draft),
        "digest": row.change.get("digest"),
        "is_publish": row.kind == Loosening.Kind.PUBLISH,
    }


def _versions(active: PolicyVersion | None) -> list[dict[str, Any]]:
    rows = PolicyVersion.objects.defer("document").order_by("-number")[:MOST_VERSIONS]
    last = dict(Activation.objects.filter(version__in=list(rows)).order_by("id").values_list("version_id", "at"))
    return [
        {"row": row, "is_active": active is not None and row.pk == active.pk, "at": last.get(row.pk)} for row in rows
    ]
