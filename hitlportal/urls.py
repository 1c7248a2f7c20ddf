"""The portal's addresses."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from approvals.admin.personal import decide_from_message
from approvals.api import keys
from approvals.api.mcp.views import McpView
from approvals.messaging.slack import webhook
from audit import published
from hitlportal import errors
from hitlportal.accounts import landing
from hitlportal.health import health, metrics

# The admin's own sign-in form knows no rate limit, so its sign-in goes through allauth's.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", landing.home, name="home"),
    path("admin/", admin.site.urls),
    path("accounts/", include("hitlportal.accounts.urls")),
    path("account/", include("hitlportal.accounts.own_urls")),
    path("api/v1/", include("approvals.api.urls")),
    re_path(r"^api/", errors.unknown_address),
    path("mcp/", McpView.as_view(), name="mcp"),
    path("hooks/slack/", webhook.receive, name="slack_hook"),
    path("decide/<str:token>/", decide_from_message.decide, name="decide"),
    path("ledger/checkpoint", published.checkpoint, name="ledger_checkpoint"),
    path("ledger/tile/<path:path>", published.tile, name="ledger_tile"),
    path(".well-known/jwks.json", keys.jwks, name="jwks"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
