"""The admin site in which people work."""

from functools import wraps
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hitlportal.accounts import second_factor

APP_ORDER: Final = {"approvals": 0, "policies": 1, "audit": 2, "auth": 3}


class PortalAdminSite(AdminSite):
    """Django's admin under the portal's name, with its overview and the pages of the kill switch and of publishing."""

    site_header = _("HITL Portal")
    site_title = _("HITL Portal")
    index_title = _("Overview")
    site_url = None
    index_template = "admin/overview.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's addresses, after the portal's own."""
        from approvals.admin import urls  # noqa: PLC0415  # models are not there yet when the site is made

        return [
            *urls.of(self),
            path("switches/", self._page(self.switches), name="switches"),
            path("switches/engage/", self._page(self.engage_switch), name="switches_engage"),
            path("switches/release/<str:scope>/", self._page(self.release_switch), name="switches_release"),
            path("policies/replay/", self.admin_view(require_POST(self.start_replay)), name="policies_replay_start"),
            path(
                "policies/replay/<int:object_id>/",
                self.admin_view(require_safe(self.show_replay)),
                name="policies_replay",
            ),
            path("health/", self.admin_view(require_safe(self.health)), name="health"),
            path("policies/publish/", self._page(self.publish_policy), name="policies_publish"),
            *super().get_urls(),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT002  # Django's signature
        """Refuse what none of our pages sends and Django's stumble over: a `_to_field` without a name, `_saveasnew`."""
        page = super().admin_view(view, cacheable)

        @wraps(page)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "" in (request.GET.get(TO_FIELD_VAR), request.POST.get(TO_FIELD_VAR)):
                raise BadRequest(_("_to_field names no field."))
            if "_saveasnew" in request.POST:
                raise BadRequest(_("Nothing here is saved as new."))
            return page(request, *args, **kwargs)

        return checked

    def _page(self, view: Any) -> Any:
        return self.admin_view(require_http_methods(["GET", "HEAD", "POST"])(view))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview: what waits, what is late, what has failed, what is stopped."""
        from approvals.admin.oversight import overview  # noqa: PLC0415  # models are not there yet when the site is made

        assert isinstance(request.user, User)
        return super().index(request, {**overview.home(request.user), **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The apps in the order in which people need them."""
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: APP_ORDER.get(app["app_label"], len(APP_ORDER)))

    def _own_page(self, request: HttpRequest) -> dict[str, Any]:
        """Return the frame of a page that is none of the admin's tables."""
        return self.each_context(request) | {"is_nav_sidebar_enabled": False}

    def switches(self, request: HttpRequest) -> HttpResponse:
        """List the engaged kill switches."""
        from approvals.admin.review import kill_switch  # noqa: PLC0415

        return kill_switch.overview(request, self._own_page(request))

    def engage_switch(self, request: HttpRequest) -> HttpResponse:
        """Stop shipping."""
        from approvals.admin.review import kill_switch  # noqa: PLC0415

        return kill_switch.engage(request, self._own_page(request))

    def publish_policy(self, request: HttpRequest) -> HttpResponse:
        """Publish the policy, or agree to what loosens it."""
        from approvals.admin.replays import page as replay_page  # noqa: PLC0415
        from policies.admin.publishing import page as publishing_page  # noqa: PLC0415
        from policies.publishing import replay_runs  # noqa: PLC0415

        if (first := second_factor.second_factor_first(request, "publish")) is not None:
            return first
        response = publishing_page.page(request, self.each_context(request))
        if isinstance(response, TemplateResponse) and response.context_data:
            draft = response.context_data["draft"]
            response.context_data |= replay_page.panel(request, replay_runs.of_digest(draft.digest))
        return response

    def health(self, request: HttpRequest) -> HttpResponse:
        """Show what works, and how far the work behind the pages is."""
        from hitlportal.health import health_page  # noqa: PLC0415

        return health_page.page(request, self.each_context(request))

    def release_switch(self, request: HttpRequest, scope: str) -> HttpResponse:
        """Let shipping go on."""
        from approvals.admin.review import kill_switch  # noqa: PLC0415

        return kill_switch.release(request, scope, self._own_page(request))

    def start_replay(self, request: HttpRequest) -> HttpResponse:
        """Try the draft, or a version, on past proposals."""
        from approvals.admin.replays import page as replay_page  # noqa: PLC0415

        return replay_page.start(request)

    def show_replay(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show how far such a trial is, and what it says."""
        from approvals.admin.replays import page as replay_page  # noqa: PLC0415

        return replay_page.show(request, object_id, self.each_context(request))
