"""Agents, their mandates and their keys."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.admin.asking import ask, renew_secret, show_once, unquoted
from policies.admin.recorded import RecordedAdmin, person_of
from policies.models import Agent, ApiKey, Mandate
from policies.publishing.loosenings import LooseningRefused
from policies.registry import agents, signing_secrets
from policies.registry.agents import TooManyKeys

_SNIPPET: Final = """\
pip install hitl-portal
export HITL_PORTAL_URL={url} HITL_PORTAL_KEY={key}
hitl doctor

from hitl_portal import Portal

portal = Portal()

@portal.governed(surface="{surface}", action="move", title="Move {{amount}}")
def move(amount: int) -> str:
    \"\"\"Move an amount.\"\"\"
"""


class AgentForm(forms.ModelForm[Agent]):
    class Meta:
        model = Agent
        fields = ("slug", "name", "description", "owner", "model", "callback_hosts", "callback_when", "rate_per_minute")

    def clean_callback_hosts(self) -> list[str]:
        """Keep host names only."""
        hosts = [host.strip().lower() for host in self.cleaned_data["callback_hosts"] or []]
        for host in hosts:
            if not host or any(mark in host for mark in "/@?: "):
                raise ValidationError(_("“%s” is no host name. Leave scheme, port and path away.") % host)
        return hosts


class MandateInline(admin.TabularInline[Mandate, Agent]):
    """To look at. A mandate is given, changed and taken away on its own page, as that may take two people."""

    model = Mandate
    extra = 0
    can_delete = False
    show_change_link = True
    fields = readonly_fields = ("surface", "tier")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("policies.view_mandate")


class KeyInline(admin.TabularInline[ApiKey, Agent]):
    model = ApiKey
    extra = 0
    can_delete = False
    fields = readonly_fields = ("prefix", "created_at", "created_by", "expires_at", "last_used_at", "standing")
    verbose_name_plural = gettext_lazy("API keys (only a hash is kept; the key itself was shown once)")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("policies.view_apikey")

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, key: ApiKey) -> SafeString | str:
        if key._state.adding:  # noqa: SLF001  # a form that says there are more rows than there are
            return ""
        if key.revoked_at:
            return _("revoked")
        address = reverse("admin:policies_agent_revoke_key", args=[key.agent_id, key.pk])
        return format_html('<a href="{}">{}</a>', address, _("Revoke…"))


@admin.register(Agent)
class AgentAdmin(RecordedAdmin[Agent]):
    form = AgentForm
    list_display = ("slug", "name", "standing", "owner", "model")
    list_filter = ("status",)
    list_select_related = ("owner",)
    search_fields = ("slug", "name")
    inlines = (MandateInline, KeyInline)

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Never: its proposals refer to it. Suspend it instead."""
        return False

    def get_fields(self, request: HttpRequest, obj: Agent | None = None) -> tuple[str, ...]:
        return (*AgentForm.Meta.fields, "standing", "callback_signing", "connecting") if obj else AgentForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Agent | None = None) -> tuple[str, ...]:
        return ("slug", "owner", "standing", "callback_signing", "connecting") if obj else ()

    def get_inline_instances(self, request: HttpRequest, obj: Agent | None = None) -> list[Any]:
        return super().get_inline_instances(request, obj) if obj else []

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def standing(self, row: Agent) -> SafeString:
        is_active = row.status == Agent.Status.ACTIVE
        text = _("Active") if is_active else _("Suspended")
        return format_html('<span class="badge is-{}">{}</span>', row.status, text)

    @admin.display(description=gettext_lazy("callback secret"))
    def callback_signing(self, row: Agent) -> str:
        return _("set; it is never shown again") if row.callback_secret else _("not set: callbacks cannot be signed")

    @admin.display(description=gettext_lazy("connect it"))
    def connecting(self, row: Agent) -> SafeString:
        """Show what its engineer pastes: the address, the key that is in use by its first letters, and five lines."""
        key = row.keys.filter(revoked_at=None).order_by("-created_at").first()
        mandate = row.mandates.order_by("surface_id").first()
        words = {
            "url": settings.SITE_URL,
            "key": str(key) if key else "hitl_…",
            "surface": mandate.surface_id if mandate else "…",
        }
        return format_html('<pre tabindex="0">{}</pre>', _SNIPPET.format(**words))

    def get_urls(self) -> list[URLPattern]:
        """The actions on one agent, before Django's own addresses."""
        views: dict[str, tuple[Any, str]] = {
            "<path:object_id>/keys/new/": (self.issue_key, "issue_key"),
            "<path:object_id>/keys/<int:key_id>/revoke/": (self.revoke_key, "revoke_key"),
            "<path:object_id>/owner/": (self.change_owner, "change_owner"),
            "<path:object_id>/status/": (self.set_status, "set_status"),
            "<path:object_id>/callback-secret/": (self.new_secret, "new_secret"),
        }
        own = [
            path(route, self.admin_site.admin_view(view), name=f"policies_agent_{name}")
            for route, (view, name) in views.items()
        ]
        return [*own, *super().get_urls()]

    def _agent(self, request: HttpRequest, object_id: str) -> Agent:
        if not self.has_change_permission(request):
            raise PermissionDenied
        agent = Agent.objects.filter(pk=unquoted(object_id)).first()
        if agent is None:
            raise Http404
        return agent

    def _back(self, agent: Agent) -> str:
        return reverse("admin:policies_agent_change", args=[agent.pk])

    def issue_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask (GET), then make a key and show it once (POST)."""
        agent = self._agent(request, object_id)
        if not request.user.has_perm("policies.add_apikey"):
            raise PermissionDenied
        person = person_of(request)
        if agent.owner_id != person.pk and not agents.permits(agent=agent, by=person).exists():
            return self._ask_key(request, agent, person)
        if request.method != "POST":
            sentence = _(
                "The new key works at once, beside the one in use, and is shown once. To rotate: give the new one to "
                "%s, see that it is used, then revoke the old one."
            )
            return ask(
                self, request, agent, title=_("Issue a key?"), sentence=sentence % agent, button=_("Issue a key")
            )
        try:
            issued = agents.issue_key(agent=agent, by=person)
        except (TooManyKeys, LooseningRefused) as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(self._back(agent))
        return show_once(self, request, agent, title=_("The new key of %s") % agent, secret=issued.text)

    def _ask_key(self, request: HttpRequest, agent: Agent, person: User) -> HttpResponse:
        if request.method != "POST":
            sentence = _(
                "%(owner)s owns %(agent)s and issues its keys. For you to issue one, a second person has to agree. "
                "Then come back here within a day. You cannot decide on what is proposed with your key."
            )
            words = {"owner": agent.owner, "agent": agent}
            title, button = _("Ask for a key?"), _("Ask a second person")
            return ask(self, request, agent, title=title, sentence=sentence % words, button=button, wants_note=True)
        return self._asked(
            request, agent, lambda note: agents.ask_key(agent=agent, by=person, note=note),
            _("Asked. Come back here once a second person has agreed."),
        )  # fmt: skip

    def _asked(
        self, request: HttpRequest, agent: Agent, asking: Callable[[str], object], sentence: str
    ) -> HttpResponse:
        """Ask a second person with the note that was sent, say so or why not, and go back to the agent."""
        try:
            asking(request.POST.get("note", ""))
        except LooseningRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, sentence)
        return HttpResponseRedirect(self._back(agent))

    def change_owner(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask who is to own the agent (GET), then ask a second person to agree (POST)."""
        agent, person = self._agent(request, object_id), person_of(request)
        people = User.objects.filter(is_active=True).exclude(pk=agent.owner_id).order_by("username")
        if request.method != "POST":
            sentence = _(
                "%(owner)s answers for %(agent)s now. Neither of the two will decide on what it has proposed so far. "
                "A second person has to agree."
            )
            words = {"owner": agent.owner, "agent": agent}
            question = {"title": _("Another owner?"), "button": _("Ask a second person")}
            return ask(self, request, agent, **question, sentence=sentence % words, wants_note=True, people=people)
        owner = _chosen(people, request.POST.get("person", ""))
        if owner is None:
            messages.error(request, _("Choose who is to own it."))
            return HttpResponseRedirect(request.path)
        return self._asked(
            request, agent, lambda note: agents.ask_owner(agent=agent, owner=owner, by=person, note=note),
            _("Asked. %(agent)s is %(owner)s's once a second person has agreed.") % {"agent": agent, "owner": owner},
        )  # fmt: skip

    def revoke_key(self, request: HttpRequest, object_id: str, key_id: int) -> HttpResponse:
        """Ask (GET), then revoke a key (POST)."""
        agent = self._agent(request, object_id)
        key = ApiKey.objects.filter(agent=agent, pk=key_id).select_related("agent").first()
        if key is None:
            raise Http404
        if not request.user.has_perm("policies.change_apikey"):
            raise PermissionDenied
        if request.method != "POST":
            sentence = _("Anyone who uses %s is refused from the next request on. This cannot be undone.") % key
            return ask(self, request, agent, title=_("Revoke the key?"), sentence=sentence, button=_("Revoke"))
        agents.revoke_key(key=key, by=person_of(request))
        messages.success(request, _("Revoked: %s.") % key)
        return HttpResponseRedirect(self._back(agent))

    def set_status(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask (GET), then suspend the agent, or ask a second person to let it work again (POST)."""
        agent = self._agent(request, object_id)
        if agent.status != Agent.Status.ACTIVE:
            return self._ask_activation(request, agent)
        if request.method != "POST":
            sentence = _(
                "From now on every proposal of %s is blocked. What the policy alone had approved does not ship either; "
                "what people approved ships, and what waits for them still waits."
            )
            return ask(self, request, agent, title=_("Suspend?"), sentence=sentence % agent, button=_("Suspend"))
        agents.suspend(agent=agent, by=person_of(request))
        messages.success(request, _("Suspended: %s.") % agent)
        return HttpResponseRedirect(self._back(agent))

    def _ask_activation(self, request: HttpRequest, agent: Agent) -> HttpResponse:
        if request.method != "POST":
            sentence = _("%s may propose again once a second person has agreed.") % agent
            title, button = _("Let it work again?"), _("Ask a second person")
            return ask(self, request, agent, title=title, sentence=sentence, button=button, wants_note=True)
        return self._asked(
            request, agent, lambda note: agents.ask_activation(agent=agent, by=person_of(request), note=note),
            _("Asked. %s works again once a second person has agreed.") % agent,
        )  # fmt: skip

    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Change the secret with which callbacks are signed."""
        agent = self._agent(request, object_id)
        sentence = _("Callbacks to %s are then signed with the new secret and, until the next change, the old one.")
        renew = partial(signing_secrets.new_for_agent, agent, by=person_of(request))
        return renew_secret(self, request, agent, sentence=sentence % agent, renew=renew)


def _chosen(people: QuerySet[User], number: str) -> User | None:
    """Return the one of `people` whose number a form sent."""
    return people.filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 10 else None
