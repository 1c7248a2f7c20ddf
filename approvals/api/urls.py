"""The addresses of the API, under `/api/v1/`."""

from django.urls import path

from approvals.api import changes, dispatches, people, proposals, surfaces
from approvals.api.contract import documentation
from approvals.api.rows import downloads, uploads

PROPOSAL = "proposals/<uuid:proposal_id>/"

app_name = "api"
urlpatterns = [
    path("schema/", documentation.SchemaView.as_view(), name="schema"),
    path("surfaces/", surfaces.SurfacesView.as_view(), name="surfaces"),
    path("evaluations/", surfaces.EvaluationsView.as_view(), name="evaluations"),
    path("", documentation.IndexView.as_view(), name="index"),
    path("proposals/batch/", proposals.BatchView.as_view(), name="batch"),
    path("proposals/", proposals.ProposalsView.as_view(), name="proposals"),
    path(PROPOSAL, proposals.ProposalView.as_view(), name="proposal"),
    path(f"{PROPOSAL}revisions/", changes.RevisionsView.as_view(), name="revisions"),
    path(f"{PROPOSAL}withdraw/", changes.WithdrawView.as_view(), name="withdraw"),
    path(f"{PROPOSAL}outcomes/", changes.OutcomesView.as_view(), name="outcomes"),
    path(f"{PROPOSAL}consume/", dispatches.ConsumeView.as_view(), name="consume"),
    path(f"{PROPOSAL}decisions/", people.DecisionsView.as_view(), name="decisions"),
    path(f"{PROPOSAL}edits/", people.EditsView.as_view(), name="edits"),
    path(f"{PROPOSAL}undo/", people.UndoView.as_view(), name="undo"),
    path(f"{PROPOSAL}rollback/", people.RollbackView.as_view(), name="rollback"),
    path(f"{PROPOSAL}retry/", people.RetryView.as_view(), name="retry"),
    path("dispatches/claim/", dispatches.ClaimView.as_view(), name="claim"),
    path("uploads/", uploads.UploadsView.as_view(), name="uploads"),
    path("dispatches/<uuid:dispatch_id>/rows/", downloads.RowsView.as_view(), name="rows"),
    path("dispatches/<uuid:dispatch_id>/renew/", dispatches.RenewView.as_view(), name="renew"),
    path("dispatches/<uuid:dispatch_id>/receipt/", dispatches.ReceiptView.as_view(), name="receipt"),
]
