"""Dispatches, callbacks and decisions: to look at. What can be done is done on the review page."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from approvals.admin.records import cells, filters, ranges
from approvals.admin.records.exporting import ExportingAdmin
from approvals.admin.review.actions import page_url
from approvals.models import Attempt, Callback, Decision, Dispatch, DispatchStatus, Proposal
from approvals.people import eligibility
from audit.readonly import ReadOnlyAdmin, pretty

Row = TypeVar("Row", bound=Model)


class OfProposalAdmin(ReadOnlyAdmin[Row]):
    """Rows that belong to a proposal are seen by anyone who may see the proposal."""

    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        rows = super().get_queryset(request).select_related("proposal")
        if request.user.has_perm(eligibility.SEE_ALL):
            return rows
        visible: QuerySet[Proposal] = eligibility.visible(request.user)
        return rows.filter(proposal__in=visible)

    @admin.display(description=_("proposal"))
    def proposal_link(self, row: Any) -> SafeString:
        return format_html('<a href="{}">{}</a>', page_url(row.proposal_id), row.proposal.title)


class LettersFilter(admin.SimpleListFilter):
    title = _("dead letters")
    parameter_name = "letters"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> Iterable[tuple[Any, Any]]:
        return [("dead", _("Dead letters: given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(status=DispatchStatus.FAILED) if self.value() == "dead" else None


def _badge(row: Dispatch | Callback) -> SafeString:
    return format_html('<span class="badge dispatch-{}">{}</span>', row.status, row.get_status_display())


class AttemptInline(admin.TabularInline[Attempt, Dispatch]):
    model = Attempt
    extra = 0
    can_delete = False
    fields = readonly_fields = ("fence", "worker", "started_at", "ended_at", "http_status", "error")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("approvals.view_dispatch")


@admin.register(Dispatch)
class DispatchAdmin(OfProposalAdmin[Dispatch], ExportingAdmin[Dispatch]):
    export_of = "dispatches"
    list_display = (
        "proposal_link",
        "kind",
        "badge",
        "connector_slug",
        "attempts_made",
        "next_attempt_at",
        "last_error",
        "next_step",
    )
    list_display_links = ("kind",)
    list_filter = (
        LettersFilter,
        "status",
        "kind",
        ranges.date_range("created_at", _("time"), "made"),
        filters.StateOfProposal,
        filters.SurfaceOfProposal,
        filters.AgentOfProposal,
        filters.TierOfProposal,
        filters.ConfidenceOfProposal,
        filters.DispatchReviewer,
    )
    time_range = "made"
    export_header = (
        "id", "proposal", "title", "kind", "status", "surface", "agent", "connector", "attempts", "next_attempt_at",
        "created_at", "delivered_at", "last_error", "digest",
    )  # fmt: skip
    # Not the grant: until it expires, anyone who holds it may execute.
    fields = (
        "proposal_link", "kind", "status", "connector_slug", "digest", "attempts_made", "fence", "next_attempt_at",
        "lease_until", "last_error", "created_at", "delivered_at", "receipt_text",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (AttemptInline,)

    def export_rows(self, keys: Sequence[Any]) -> Iterable[Dispatch]:
        return Dispatch.objects.filter(pk__in=keys).select_related("proposal")

    def export_cells(self, row: Dispatch) -> Sequence[Any]:
        return (
            row.pk, row.proposal_id, row.proposal.title, row.get_kind_display(), row.get_status_display(),
            row.proposal.surface_id, row.proposal.agent_id, row.connector_id, row.attempts_made, row.next_attempt_at,
            row.created_at, row.delivered_at, row.last_error, row.digest,
        )  # fmt: skip

    @admin.display(description=_("status"), ordering="status")
    def badge(self, row: Dispatch) -> SafeString:
        return _badge(row)

    @admin.display(description=_("connector"))
    def connector_slug(self, row: Dispatch) -> str:
        return row.connector_id or ""

    @admin.display(description=_("receipt"))
    def receipt_text(self, row: Dispatch) -> SafeString:
        return pretty(row.receipt)

    @admin.display(description=_("next step"))
    def next_step(self, row: Dispatch) -> SafeString | str:
        if not row.is_dead:
            return ""
        return format_html('<a href="{}">{}</a>', page_url(row.proposal_id), _("Look and retry"))


@admin.register(Callback)
class CallbackAdmin(OfProposalAdmin[Callback]):
    list_display = ("proposal_link", "badge", "url", "attempts_made", "next_attempt_at", "delivered_at", "last_error")
    list_display_links = ("badge",)
    list_filter = (LettersFilter, "status")
    fields = (
        "proposal_link", "status", "url", "attempts_made", "next_attempt_at", "last_error", "created_at",
        "delivered_at", "message",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("status"), ordering="status")
    def badge(self, row: Callback) -> SafeString:
        return _badge(row)

    @admin.display(description=_("message"))
    def message(self, row: Callback) -> SafeString:
        return format_html('<pre class="json" tabindex="0">{}</pre>', bytes(row.body).decode("utf-8", "replace"))


@admin.register(Decision)
class DecisionAdmin(OfProposalAdmin[Decision], ExportingAdmin[Decision]):
    export_of = "decisions"
    list_display = (
        "at",
        "verdict",
        "proposal_link",
        "by_name",
        "held_roles",
        "revision_number",
        "reason_code",
        "comment",
        "signature",
    )
    list_display_links = ("at",)
    list_filter = (
        "verdict",
        "reason_code",
        ranges.date_range("at", _("time"), "decided"),
        filters.DecidedBy,
        filters.StateOfProposal,
        filters.SurfaceOfProposal,
        filters.AgentOfProposal,
        filters.TierOfProposal,
        filters.ModelOfProposal,
        filters.TriggerOfProposal,
        filters.RoleFilter,
        filters.ConfidenceOfProposal,
        "is_signed",
    )
    time_field, time_range = "at", "decided"
    export_header = (
        "id", "at", "by", "verdict", "proposal", "title", "surface", "agent", "revision", "digest", "reason", "comment",
        "signed", "roles", "action", "model", "model_version", "trigger", "confidence", "tier", "policy_version",
        "reasons",
    )  # fmt: skip
    search_fields = ("by_name", "comment")
    fields = (
        "proposal_link", "verdict", "by_name", "held_roles", "at", "revision_number", "digest", "reason_code",
        "comment", "signature",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("role"))
    def held_roles(self, row: Decision) -> str:
        return ", ".join(row.roles)

    @admin.display(description=_("signed"), ordering="is_signed")
    def signature(self, row: Decision) -> str:
        """Most tiers ask for no signature, so that its absence is nothing to warn of."""
        return str(_("signed")) if row.is_signed else "—"

    def export_rows(self, keys: Sequence[Any]) -> Iterable[Decision]:
        rows: QuerySet[Decision] = Decision.objects.filter(pk__in=keys).select_related("proposal", "revision")
        return rows.prefetch_related(cells.verdicts("revision__verdicts"))

    def export_cells(self, row: Decision) -> Sequence[Any]:
        return (
            row.pk, row.at, row.by_name, row.get_verdict_display(), row.proposal_id, row.proposal.title,
            row.proposal.surface_id, row.proposal.agent_id, row.revision_number, row.digest,
            row.get_reason_code_display(), row.comment, row.is_signed, "; ".join(row.roles), row.proposal.action,
            *cells.model(row.proposal), cells.trigger(row.proposal), row.revision.confidence,
            *cells.verdict(cells.verdict_at(row)),
        )  # fmt: skip
