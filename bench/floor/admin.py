from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bench.floor.models import Proposal


@admin.register(Proposal)
class ProposalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # here it takes none
    """The stock admin: no filters, so that its list counts the rows only once."""

    list_display = (
        "title",
        "agent",
        "surface",
        "action",
        "state",
        "tier",
        "owner",
        "amount",
        "deadline_at",
        "created_at",
    )
    fields = ("title", "rationale", "amount", "currency", "state", "tier", "owner", "payload")
    actions = ("approve",)

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> None:
        """Save each row with its field history."""
        for proposal in queryset:
            proposal.state = "approved"
            proposal.save()
