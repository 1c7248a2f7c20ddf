"""Leaving rows out: the rows that were ticked or typed, and what is said of it."""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.admin.review import actions
from approvals.errors import ProposalError, UploadRefused
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.rows import omissions
from approvals.models import Proposal, State, Upload
from approvals.uploads.intake import MOST_LEFT_OUT

LONGEST: Final = 2_000


def post(request: HttpRequest, proposal: Proposal, upload: Upload) -> HttpResponse:
    """Leave the chosen rows out, and lead to the proposal; or back to the rows with what is wrong."""
    revision, _colon, digest = request.POST.get("seen", "").partition(":")
    number = int(revision) if revision.isdecimal() and len(revision) <= 6 else 0
    try:
        numbers = set(chosen(request.POST.getlist("row"), request.POST.get("rows", "")))
        edited = omissions.leave_out(
            proposal_id=proposal.pk,
            seen=SeenRevision(number, digest[:71]),
            by=actions.person_of(request),
            member=upload.member,
            numbers=numbers,
            note=request.POST.get("note", "").strip()[:LONGEST],
        )
    except ProposalError as refusal:
        messages.error(request, f"{refusal} {_('Nothing was changed.')}")
        return HttpResponseRedirect(_here(request, proposal, upload))
    if edited.state == State.BLOCKED:
        messages.error(request, _("The policy blocks what is left, so the proposal is blocked."))
    else:
        done = ngettext("%d row is left out.", "%d rows are left out.", len(numbers)) % len(numbers)
        messages.success(request, f"{done} {_('The rest waits for approval.')}")
    return HttpResponseRedirect(actions.page_url(proposal.pk))


def chosen(ticked: Iterable[str], typed: str) -> Iterator[int]:
    """Yield the numbers of rows that were ticked, or typed as in “12, 40-45”. Raises UploadRefused."""
    most = 0
    for part in [*ticked, *typed[:LONGEST].replace(";", ",").split(",")]:
        if not (text := part.strip()):
            continue
        first, _dash, last = text.replace("–", "-").partition("-")
        begin, end = _number(first, text), _number(last or first, text)
        most += max(0, end - begin + 1)
        if end < begin or most > MOST_LEFT_OUT:
            raise UploadRefused(_("“%s” is no range of rows, or one of too many.") % text[:40])
        yield from range(begin, end + 1)


def _number(text: str, whole: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise UploadRefused(_("“%s” is no row number. Write numbers or ranges, such as 12, 40-45.") % whole[:40])
    return int(digits)


def _here(request: HttpRequest, proposal: Proposal, upload: Upload) -> str:
    address = reverse("admin:approvals_proposal_rows", args=[proposal.pk, upload.member])
    query = {name: request.GET[name] for name in ("q", "from") if request.GET.get(name)}
    return f"{address}?{urlencode(query)}" if query else address
