"""The list of proposals, and the addresses of everything that people do with one."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.admin.editing import views
from approvals.admin.records import cells, filters, outcomes, ranges
from approvals.admin.records.exporting import ExportingAdmin
from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from approvals.models import WAITING, Decision, Outcome, Proposal, State
from approvals.people import eligibility
from approvals.presentation import words
from approvals.queue import search
from audit.history import HistoryAdmin
from policies import currencies

LIST_FIELDS = (
    "id", "title", "state", "surface_id", "agent_id", "tier_id", "confidence", "amount", "currency", "owner_id",
    "deadline_at", "expires_at", "release_at", "created_at",
)  # fmt: skip


@admin.register(Proposal)
class ProposalAdmin(ExportingAdmin[Proposal]):
    """Nothing here decides: it lists, and hands over to the review page and the use cases."""

    export_of = "proposals"
    list_display = (
        "title_link", "state_badge", "time_left", "surface_slug", "agent_slug", "tier_slug", "certainty", "worth",
        "owner_role", "proposed",
    )  # fmt: skip
    list_display_links = None
    list_filter = (
        filters.StateFilter,
        filters.DueFilter,
        filters.SurfaceFilter,
        filters.AgentFilter,
        filters.TierFilter,
        filters.ModelFilter,
        filters.TriggerFilter,
        ranges.ConfidenceFilter,
        ranges.date_range("created_at", _("time of proposal"), "proposed"),
        filters.ReviewerFilter,
    )
    search_fields = ("title",)
    search_help_text = _("Title, id, target, trigger, or model with its version")
    ordering = ("-id",)
    empty_value_display = ""
    time_range = "proposed"
    export_chunk = 100
    export_header = (
        "id", "title", "action", "state", "surface", "agent", "tier", "confidence", "amount", "currency", "people",
        "owner", "proposed_at", "deadline_at", "release_at", "decisions", "roles", "comments", "model", "model_version",
        "trigger", "policy_version", "reasons", *cells.SENT, "outcomes",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        """Only what this person may see, with the state and the time by the database's clock."""
        if isinstance(request.user, User):
            filters.reader_of(request)  # their roles are asked for more than once on this page
        rows = eligibility.visible(request.user).as_of_now().annotate(time_now=Now())
        return rows.only(*LIST_FIELDS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Proposal], search_term: str
    ) -> tuple[QuerySet[Proposal], bool]:
        """Find by id, by the exact name of a target, or by words of the title."""
        return queryset.filter(search.named_by(search_term)), False

    def has_view_permission(self, request: HttpRequest, obj: Proposal | None = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm(eligibility.SEE_ALL)

    def export_rows(self, keys: Sequence[Any]) -> Iterable[Proposal]:
        rows: QuerySet[Proposal] = Proposal.objects.as_of_now().filter(pk__in=keys)
        rows = rows.select_related("revision", "verdict").defer("verdict__facts")
        outcomes = Prefetch("outcomes", Outcome.objects.select_related("correction").order_by("id"))
        return rows.prefetch_related(Prefetch("decisions", Decision.objects.order_by("id")), outcomes)

    def export_cells(self, row: Any) -> Sequence[Any]:
        decisions = row.decisions.all()
        verdicts = "; ".join(f"{decision.by_name}: {decision.get_verdict_display()}" for decision in decisions)
        roles = "; ".join(dict.fromkeys(role for decision in decisions for role in decision.roles))
        comments = "; ".join(decision.comment for decision in decisions if decision.comment)
        outcomes = "; ".join(cells.outcome(one) for one in row.outcomes.all())
        return (
            row.pk, row.title, row.action, State(row.state_now).label, row.surface_id, row.agent_id, row.tier_id,
            row.confidence, row.amount, row.currency, row.audience_size, row.owner_id, row.created_at, row.deadline_at,
            row.release_at, verdicts, roles, comments, *cells.model(row), cells.trigger(row),
            *cells.verdict(row.verdict)[1:], *cells.sent(row), outcomes,
        )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """The list, the review page and its actions; no form of Django's changes a proposal."""
        return [
            path("", self._admin(require_safe(self.changelist_view)), name="approvals_proposal_changelist"),
            self.export_url(),
            path("<uuid:object_id>/", self._admin(require_safe(self.review)), name="approvals_proposal_change"),
            path("<uuid:object_id>/payload.json", self._admin(require_safe(self.raw)), name="approvals_proposal_raw"),
            path("<uuid:object_id>/decide/", self._admin(require_POST(self.decide)), name="approvals_proposal_decide"),
            path("<uuid:object_id>/edit/", self._admin(self.edit), name="approvals_proposal_edit"),
            path("<uuid:object_id>/undo/", self._admin(require_POST(self.undo)), name="approvals_proposal_undo"),
            path("<uuid:object_id>/retry/", self._admin(require_POST(self.retry)), name="approvals_proposal_retry"),
            path(
                "<uuid:object_id>/progress/", self._admin(require_safe(self.follow)), name="approvals_proposal_progress"
            ),
            path("<uuid:object_id>/roll-back/", self._admin(self.roll_back), name="approvals_proposal_rollback"),
            path("<uuid:object_id>/outcome/", self._admin(self.report), name="approvals_proposal_outcome"),
        ]

    def _admin(self, view: Any) -> Any:
        return self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(view))

    def _answer(self, request: HttpRequest, object_id: UUID, result: actions.Result) -> HttpResponse:
        return actions.answer(request, self.admin_site.each_context(request), object_id, result)

    def review(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show one proposal."""
        page = review_page.load(actions.person_of(request), object_id)
        return review_page.render(request, page, self.admin_site.each_context(request))

    def follow(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Say again how far one proposal is on its way."""
        return review_page.follow(request, review_page.load(actions.person_of(request), object_id))

    def raw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Send the exact bytes that would ship."""
        page = review_page.load(actions.person_of(request), object_id)
        return HttpResponse(bytes(page.proposal.revision.body), content_type="application/json")

    def decide(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Record a decision."""
        return self._answer(request, object_id, actions.decide(request, object_id))

    def edit(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the edit form (GET); check or save it (POST)."""
        return views.edit(request, object_id, self.admin_site.each_context(request))

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Take a decision back."""
        return self._answer(request, object_id, actions.undo(request, object_id))

    def retry(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Try a failed dispatch again."""
        return self._answer(request, object_id, actions.retry(request, object_id))

    def roll_back(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask (GET) and order (POST) a roll back."""
        return actions.roll_back(request, object_id, self.admin_site.each_context(request))

    def report(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the form (GET) in which people say what a shipped action did, and record it (POST)."""
        return outcomes.report(request, object_id, self.admin_site.each_context(request))

    @admin.display(description=_("title"))
    def title_link(self, row: Proposal) -> SafeString:
        return format_html('<a href="{}" class="row-title">{}</a>', actions.page_url(row.pk), row.title)

    @admin.display(description=_("state"))
    def state_badge(self, row: Any) -> SafeString:
        state = State(row.state_now)
        return format_html('<span class="badge state-{}">{}</span>', state.value, state.label)

    @admin.display(description=_("time left"), ordering="deadline_at")
    def time_left(self, row: Any) -> SafeString | str:
        state = State(row.state_now)
        shown = words.time_left(row, state=state, now=row.time_now, is_column=True)
        is_urgent = state in WAITING and (row.deadline_at - row.time_now).total_seconds() < 3600
        return format_html('<span class="urgent">{}</span>', shown) if is_urgent else shown

    @admin.display(description=_("surface"))
    def surface_slug(self, row: Proposal) -> str:
        return row.surface_id

    @admin.display(description=_("agent"))
    def agent_slug(self, row: Proposal) -> str:
        return row.agent_id

    @admin.display(description=_("tier"))
    def tier_slug(self, row: Proposal) -> str:
        return row.tier_id or ""

    @admin.display(description=_("confidence"))
    def certainty(self, row: Proposal) -> str:
        return "" if row.confidence is None else words.share(row.confidence)

    @admin.display(description=_("amount"))
    def worth(self, row: Proposal) -> str:
        return "" if row.amount is None else currencies.money(row.amount, row.currency)

    @admin.display(description=_("owner"))
    def owner_role(self, row: Proposal) -> str:
        return row.owner_id

    @admin.display(description=_("proposed"), ordering="id")
    def proposed(self, row: Any) -> SafeString:
        return words.ago(row.created_at, row.time_now)


@admin.register(Proposal.history.model)
class ProposalHistoryAdmin(HistoryAdmin):
    """Field history of proposals, for those who may see the proposal."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.has_perm(eligibility.SEE_ALL):
            return rows
        return rows.filter(id__in=eligibility.visible(request.user).values("pk"))
