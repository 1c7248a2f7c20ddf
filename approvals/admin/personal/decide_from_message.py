"""The page behind a link in a message: it shows (GET, HEAD) and lets its person decide once (POST)."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import User
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from approvals.admin.review import actions, forms, twins
from approvals.admin.review.actions import page_url
from approvals.cards import evidence, showing
from approvals.errors import ProposalError, ReasonRequired, SignatureRequired, StateConflict
from approvals.messaging import composition, decision_links
from approvals.messaging.composition import Sight
from approvals.messaging.decision_links import Said, TokenOfAnother
from approvals.models import OPEN, Decision, DecisionToken, Proposal, Revision, State
from approvals.models.verdicts import IN_MESSAGES
from approvals.presentation import participants, words
from policies import currencies
from policies.engine import references

GONE: Final = 410
CONFLICT: Final = 409
FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Past:
    """Why a link decides nothing any more."""

    status: int
    heading: str
    sentence: str


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link is about; a POST decides. GET and HEAD change nothing, no matter who sends them."""
    held = decision_links.find(token)
    if held is None:
        raise Http404
    signed_in = request.user if isinstance(request.user, User) else None
    if signed_in is not None and signed_in.pk != held.person_id:
        return _not_yours(request)
    seen = _sight(held)
    past = _past(held, seen)
    if past is not None:
        return _show_past(request, held, seen, past)
    if request.method == "POST":
        return _decide(request, held, seen, signed_in)
    return _show(request, held, seen)


def _sight(token: DecisionToken) -> Sight:
    """Return the proposal as the token's person sees it. Raises Http404 where they do not."""
    seen = composition.sight(token.proposal_id, token.person)
    if seen is None:
        raise Http404
    return seen


def _past(token: DecisionToken, seen: Sight) -> Past | None:
    if token.used_at is not None and token.decision is not None:
        what = token.decision.get_verdict_display()
        used = format_html(
            _("{who} used it {when}: {what}."),
            who=token.decision.by_name, when=words.ago(token.used_at, seen.now), what=what,
        )  # fmt: skip
        return Past(GONE, _("This link was used"), used)
    if seen.state not in OPEN:
        return Past(GONE, _("There is nothing left to decide"), _happened(seen))
    if token.expires_at <= seen.now:
        return Past(GONE, _("This link has expired"), _happened(seen))
    revision = seen.proposal.revision
    if (revision.number, revision.digest) != (token.revision_number, token.digest):
        sentence = _("%(who)s wrote revision %(number)s after this message was sent. Nothing was decided.") % {
            "who": revision.author_name, "number": revision.number
        }  # fmt: skip
        return Past(CONFLICT, _("It has changed since"), sentence)
    return None


def _happened(seen: Sight) -> str:
    """Say how it stands, and by whom."""
    state = seen.state.label
    last = Decision.objects.filter(proposal=seen.proposal).order_by("-id").first()
    if seen.state in OPEN:
        return _("It still waits for a decision; open it in the portal.")
    if seen.state == State.EXPIRED or last is None:
        return _("It is %s.") % str(state).lower()
    facts = {"what": last.get_verdict_display(), "who": last.by_name, "when": words.ago(last.at, seen.now)}
    return format_html(_("{what} by {who}, {when}. It is now {state}."), **facts, state=str(state).lower())


def _decide(request: HttpRequest, token: DecisionToken, seen: Sight, signed_in: User | None) -> HttpResponse:
    if not seen.may_decide_from_here:
        return HttpResponseRedirect(page_url(token.proposal_id))  # which asks to sign in
    verdict = request.POST.get("verdict", "")
    if verdict not in IN_MESSAGES:
        raise Http404
    form = forms.offered(forms.DECISION_FORMS[verdict](request.POST, auto_id=f"{verdict}_%s"), seen.proposal)
    match _carry_out(token, verdict, form, signed_in):
        case actions.Done() as done:
            facts = {"proposal": done.proposal, "sentence": done.sentence(), "url": page_url(token.proposal_id)}
            return _render(request, "done", facts)
        case actions.Refused(why=why):
            return _refused(request, token, seen, why)
        case actions.Invalid(form=failed):
            return _show(request, token, seen, failed=failed)


def _carry_out(
    token: DecisionToken, verdict: str, form: forms.SeenForm, signed_in: User | None
) -> actions.Done | actions.Refused | actions.Invalid:
    if not form.is_valid():
        return actions.Invalid(form)
    try:
        return actions.Done(
            decision_links.decide(token=token, decision=_said(verdict, form.cleaned_data), signed_in=signed_in)
        )
    except ReasonRequired as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return actions.Invalid(form)
    except ProposalError as refusal:
        return actions.Refused(refusal)


def _refused(request: HttpRequest, token: DecisionToken, seen: Sight, refusal: ProposalError) -> HttpResponse:
    """Say why nothing was decided, where that was not to be seen before the lock was held."""
    match refusal:
        case SignatureRequired():
            return HttpResponseRedirect(page_url(token.proposal_id))
        case TokenOfAnother():
            return _not_yours(request)
        case StateConflict():
            return _too_late(request, token, str(refusal))
        case _:
            return _show(request, token, seen, refusal=str(refusal), status=FORBIDDEN)


def _said(verdict: str, words_of: dict[str, Any]) -> Said:
    return Said(
        verdict=Decision.Verdict(verdict),
        reason_code=words_of.get("reason_code", ""),
        comment=words_of.get("comment", ""),
        ticked=words_of.get("checklist", ()),
    )


def _too_late(request: HttpRequest, token: DecisionToken, refusal: str) -> HttpResponse:
    """Say what came first, where somebody was faster than this request."""
    held = DecisionToken.objects.select_related("person", "decision").get(pk=token.pk)
    seen = _sight(held)
    past = _past(held, seen) or Past(CONFLICT, _("Nothing was decided"), refusal)
    return _show_past(request, held, seen, past)


def _show(
    request: HttpRequest,
    token: DecisionToken,
    seen: Sight,
    *,
    failed: Form | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    proposal = seen.proposal
    offered: dict[str, Form] = {
        str(verdict): forms.offered(
            forms.DECISION_FORMS[verdict](initial=forms.shown(proposal), auto_id=f"{verdict}_%s"), proposal
        )
        for verdict in IN_MESSAGES
    }
    if failed is not None:
        offered[str(failed.auto_id).removesuffix("_%s")] = failed
    context = {
        **_facts(seen),
        "person": token.person,
        "may": seen.may,
        "may_decide_here": seen.may_decide_from_here,
        "choices": forms.choices(offered),
        "failed": failed,
        "refusal": refusal,
        "table": evidence.field_table(proposal.revision.before, references.summed_up(proposal.revision.payload)),
        **twins.context(token.person, proposal, state=seen.state, now=seen.now, policy=seen.policy),
    }
    return _render(request, "decide", context, status=status)


def _facts(seen: Sight) -> dict[str, Any]:
    proposal, now = seen.proposal, seen.now
    surface = seen.policy.surfaces.get(proposal.surface_id)
    return {
        "proposal": proposal,
        "state": seen.state,
        "decided": participants.decided(proposal, seen.state),
        "effect": showing.effect(proposal, surface, state=seen.state, now=now),
        "time_left": words.time_left(proposal, state=seen.state, now=now),
        "amount": None if proposal.amount is None else currencies.money(proposal.amount, proposal.currency),
        "audience": None if proposal.audience_size is None else words.number(proposal.audience_size),
        "url": page_url(proposal.pk),
    }


def _show_past(request: HttpRequest, token: DecisionToken, seen: Sight, past: Past) -> HttpResponse:
    context = {**_facts(seen), "past": past, "table": None}
    if past.status == CONFLICT:
        context["table"] = _difference(seen.proposal, token.revision_number)
        context["url"] = page_url(seen.proposal.pk, seen=token.revision_number)
    return _render(request, "past", context, status=past.status)


def _difference(proposal: Proposal, number: int) -> evidence.FieldTable | None:
    old = Revision.objects.filter(proposal=proposal, number=number).first()
    return evidence.changed_fields(old.payload, proposal.revision.payload) if old else None


def _not_yours(request: HttpRequest) -> HttpResponse:
    return _render(request, "not_yours", {}, status=FORBIDDEN)


def _render(request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    frame = {"is_nav_sidebar_enabled": False, "is_popup": False}
    response = TemplateResponse(request, f"approvals/message/{name}.html", {**frame, **context}, status=status)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
