"""The portal's own pages within the admin: which address leads to which view."""

from collections.abc import Callable

from django.contrib.admin import AdminSite
from django.http import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from approvals.admin.batch import result
from approvals.admin.batch import views as batch_views
from approvals.admin.desk import quick
from approvals.admin.desk import views as desk_views
from approvals.admin.evidence import pack
from approvals.admin.oversight import charts, daily, monitor, touchpoints
from approvals.admin.personal import absence, inbox, preferences, slack_link
from approvals.admin.review import email_preview
from approvals.admin.rows import pages as row_pages
from approvals.admin.trust import board, standing

View = Callable[..., HttpResponseBase]

# Each view takes the request and the admin's frame (`each_context`) after it, then what the address names.
PAGES: dict[str, tuple[str, View]] = {
    **charts.PAGES,
    **standing.PAGES,
    **board.PAGES,
    **desk_views.PAGES,
    "approvals_proposal_preview": ("approvals/proposal/<uuid:object_id>/preview/", email_preview.page),
    "approvals_proposal_evidence": ("approvals/proposal/<uuid:object_id>/evidence/", pack.download),
    "approvals_proposal_rows": ("approvals/proposal/<uuid:object_id>/rows/<str:member>/", row_pages.page),
    "desk_quick": ("desk/quick/", quick.page),
    "desk_batch": ("desk/batch/", batch_views.page),
    "desk_batch_result": ("desk/batch/<uuid:batch>/", result.page),
    "monitor": ("monitor/", monitor.page),
    "monitor_lists": ("monitor/lists/", monitor.lists),
    "monitor_digest": ("monitor/digest/", daily.page),
    "touchpoints": ("touchpoints/", touchpoints.page),
    "inbox": ("inbox/", inbox.show),
    "preferences": ("preferences/", preferences.show),
    "preferences_slack": ("preferences/slack/", slack_link.ask),
    "preferences_slack_confirm": ("preferences/slack/<str:object_id>/", slack_link.confirm),
    "absence": ("absence/", absence.page),
}


def of(site: AdminSite) -> list[URLPattern]:
    """Return the addresses of PAGES, open to anyone who may enter the admin; the views know who may do what."""
    return [path(route, _page(site, view), name=name) for name, (route, view) in PAGES.items()]


def _page(site: AdminSite, view: View) -> View:
    def framed(request, *args, **kwargs):  # type: ignore[no-untyped-def]
        return view(request, site.each_context(request), *args, **kwargs)

    return site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(framed))
