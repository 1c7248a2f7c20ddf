"""Link one's Slack account: ask Slack for a proof, open it while signed in here, confirm."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages as shown
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.review.actions import person_of
from approvals.messaging import composition
from approvals.messaging.message import NotSent
from approvals.messaging.slack import blocks, decisions, transport
from approvals.messaging.slack.channel import has_slack

Frame = Mapping[str, Any]


class AskForm(forms.Form):
    """Ask for the member ID that somebody says is theirs in Slack."""

    slack_user = forms.CharField(
        label=gettext_lazy("Your Slack member ID"),
        max_length=20,
        validators=[RegexValidator(r"\A[UW][A-Z0-9]{5,19}\Z", gettext_lazy("It looks like U024BE7LH."))],
        help_text=gettext_lazy("In Slack: your profile, the menu with three dots, “Copy member ID”."),
    )


def ask(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Have Slack send the proof to the account that was named, or forget the link (POST)."""
    person = person_of(request)
    back = HttpResponseRedirect(reverse("admin:preferences"))
    if request.method != "POST" or not has_slack():
        return back
    if "unlink" in request.POST:
        decisions.unlink(person=person)
        shown.success(request, _("Your Slack account is not linked any more."))
        return back
    form = AskForm(request.POST)
    if not form.is_valid():
        shown.error(request, " ".join(map(str, form.errors["slack_user"])))
        return back
    slack_user = form.cleaned_data["slack_user"]
    text = decisions.proof(person=person, slack_user=slack_user)
    address = composition.site_url(reverse("admin:preferences_slack_confirm", args=[text]))
    sentence = _(
        "%(name)s wants to decide from this Slack account. If that is you, open this link within an hour: %(url)s"
    )
    sentence %= {"name": blocks.escaped(person.get_username()), "url": address}
    try:
        transport.say(sentence, to=slack_user)
    except NotSent as refusal:
        shown.error(request, _("Slack did not take the message. %s") % refusal.reason)
    else:
        shown.success(request, _("Slack has a message for you. Open the link in it to confirm."))
    return back


def confirm(request: HttpRequest, frame: Frame, object_id: str) -> HttpResponse:
    """Ask whether to link (GET), and link (POST), with the proof that came through Slack."""
    person = person_of(request)
    slack_user = decisions.proved(object_id, person=person) if has_slack() else None
    if slack_user is None:
        raise Http404
    if request.method != "POST":
        context = {**frame, "title": _("Link your Slack account?"), "slack_user": slack_user, "person": person}
        return TemplateResponse(request, "approvals/preferences/slack_confirm.html", context)
    try:
        decisions.link(person=person, slack_user=slack_user)
    except decisions.LinkRefused as refusal:
        shown.error(request, str(refusal))
    else:
        shown.success(request, _("Linked. You can now decide from Slack."))
    return HttpResponseRedirect(reverse("admin:preferences"))
