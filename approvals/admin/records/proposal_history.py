"""The history of proposals, for whoever may see the proposal."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from approvals.models import Proposal
from approvals.people import eligibility
from audit.history import HistoryAdmin


@admin.register(Proposal.history.model)
class ProposalHistoryAdmin(HistoryAdmin):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.has_perm(eligibility.SEE_ALL):
            return rows
        return rows.filter(id__in=eligibility.visible(request.user).values("pk"))
