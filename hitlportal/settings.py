"""Django's settings, made from the environment that `hitlportal.environment.environment` has read."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from hitlportal.embedded.server import DATABASE, SUPERUSER
from hitlportal.environment import environment, logs, schedule

# Lets models, managers and admin classes name their type parameters, as in CharField[str, str].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = environment.read(os.environ, default_var=BASE_DIR / "var")
VAR_DIR = ENVIRONMENT.var

DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = ENVIRONMENT.secret_key_fallbacks
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
SITE_URL = ENVIRONMENT.site_url

INSTALLED_APPS = [
    "hitlportal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "simple_history",
    "pgtrigger",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "hitlportal.oidc",
    "hitlportal.apps.PortalConfig",
    "audit",
    "policies",
    "approvals",
]
if find_spec("django_linear_migrations"):  # it comes with the development packages only
    INSTALLED_APPS.append("django_linear_migrations")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hitlportal.middleware.name_request",
    "hitlportal.middleware.refuse_nul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hitlportal.middleware.permissions_policy",
    "hitlportal.middleware.refuse_bearer_outside_api",
    "django.middleware.common.CommonMiddleware",
    "hitlportal.middleware.agent_calls",  # what agents call goes no further than here
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hitlportal.middleware.note_activity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "hitlportal.middleware.reader_time_zone",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "hitlportal.middleware.ImpossibleValues",
]

ROOT_URLCONF = "hitlportal.urls"
WSGI_APPLICATION = "hitlportal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # A card and a channel keep their templates beside their code.
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "approvals" / "cards", BASE_DIR / "approvals" / "messaging"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database, cache ---------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    """Return the database that DATABASE_URL names, or else the embedded PostgreSQL in var/."""
    persistent = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    if not ENVIRONMENT.database_url:
        return {
            "ENGINE": "hitlportal.embedded",
            "FOLDER": str(VAR_DIR / "postgres"),
            "NAME": DATABASE,
            "USER": SUPERUSER,
            **persistent,
        }
    return {**environ.Env.db_url_config(ENVIRONMENT.database_url), "ENGINE": "hitlportal.database", **persistent}


DATABASES = {"default": _database()}
CACHES = {
    "default": {
        "BACKEND": "hitlportal.processes.cache.PortalCache",
        "LOCATION": "portal_cache",
        # Limits are counted here. Were it small, anyone who fills it would empty everybody's count.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    }
}

# Languages and times -----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = ENVIRONMENT.time_zone
USE_I18N = True
FORMAT_MODULE_PATH = ["hitlportal.formats"]
USE_TZ = True

# Static files ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
# A card keeps its stylesheet beside its code: approvals/cards/<kind>/static/card.css.
_CARD_STYLES = sorted((BASE_DIR / "approvals" / "cards").glob("*/static"))
STATICFILES_DIRS = [(f"approvals/cards/{folder.parent.name}", folder) for folder in _CARD_STYLES]
_STATIC_STORAGE = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
}
MEDIA_ROOT = VAR_DIR / "media"
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# Browser security --------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_ENGINE = "hitlportal.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENVIRONMENT.is_https
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = ENVIRONMENT.is_https
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = ENVIRONMENT.is_https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if ENVIRONMENT.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENVIRONMENT.is_https
# Preloading binds the whole domain for years; that is for the domain's owner to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
if ENVIRONMENT.trust_x_forwarded_proto:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

# Signing in --------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["hitlportal.accounts.permissions.PermissionsAtOnce"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "hitlportal.accounts.signals.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
# `hitlportal.accounts.sign_in.limits` slows those who fail; these only bound what one address can ask.
ACCOUNT_RATE_LIMITS = {"login": "300/m/ip"}
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_ADAPTER = "hitlportal.accounts.signals.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "HITL Portal"
# Codes of the half minute before and after count too, for clocks that are a little off. Each works once.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "hitlportal.accounts.forms.CodeForm",
    "reauthenticate": "hitlportal.accounts.forms.CodeAgainForm",
    "authenticate_webauthn": "hitlportal.accounts.forms.PasskeyForm",
    "reauthenticate_webauthn": "hitlportal.accounts.forms.PasskeyAgainForm",
    "login_webauthn": "hitlportal.accounts.forms.PasskeyAloneForm",
    "add_webauthn": "hitlportal.accounts.forms.NewPasskeyForm",
}
# Addresses are for messages; none of them opens anything.
MFA_ALLOW_UNVERIFIED_EMAIL = True
REQUIRE_SECOND_FACTOR = ENVIRONMENT.sign_in.require_second_factor

OIDC = ENVIRONMENT.sign_in.oidc
SOCIALACCOUNT_ADAPTER = "hitlportal.oidc.adapter.ProviderAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

# Background work ---------------------------------------------------------------------------------

BROKER_DIR = VAR_DIR / "broker"
REDIS_URL = ENVIRONMENT.redis_url
CELERY_BEAT_SCHEDULE = schedule.beat_schedule()

# The portal's own --------------------------------------------------------------------------------

GRANT_SIGNING_KEY = ENVIRONMENT.grant_signing_key
GRANT_RETIRED_KEYS = ENVIRONMENT.grant_retired_keys
LEDGER_SIGNING_KEY = ENVIRONMENT.ledger_signing_key
LEDGER_RETIRED_KEYS = ENVIRONMENT.ledger_retired_keys
LEDGER_KEEPSAKE: Path | None = VAR_DIR / "ledger" / "checkpoint"
OUTBOUND_ALLOWED_NETWORKS = ENVIRONMENT.outbound_allowed_networks
METRICS_TOKEN = ENVIRONMENT.metrics_token
AGENT_RATE_PER_MINUTE = ENVIRONMENT.agent_rate_per_minute
UPLOAD_MAX_ROWS, UPLOAD_MAX_BYTES = ENVIRONMENT.upload_max_rows, ENVIRONMENT.upload_max_bytes
COMMAND_PASSWORD, COMMAND_CODE = ENVIRONMENT.command_password, ENVIRONMENT.command_code
SLACK_BOT_TOKEN = ENVIRONMENT.slack_bot_token
SLACK_SIGNING_SECRET = ENVIRONMENT.slack_signing_secret
SLACK_API_URL = ENVIRONMENT.slack_api_url
LLM_BASE_URL = ENVIRONMENT.llm_base_url
LLM_API_KEY = ENVIRONMENT.llm_api_key
LLM_MODEL = ENVIRONMENT.llm_model
# Clients that wait hold a thread each; the other half goes on answering.
API_MOST_WAITING = max(1, ENVIRONMENT.web_threads // 2)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hitlportal.errors.handle",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "HITL Portal",
    "DESCRIPTION": "Agents propose, people decide, the portal ships.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["approvals.api.contract.openapi.add_components"],
}

# E-mail, logs ------------------------------------------------------------------------------------

for _name, _value in ENVIRONMENT.email.items():
    globals()[_name] = _value
DEFAULT_FROM_EMAIL = ENVIRONMENT.default_from_email
EMAIL_TIMEOUT = 15  # a mail server that hangs must not hold a worker

# It takes out of every line what is secret.
LOGGING_CONFIG = "hitlportal.processes.redaction.configure"
LOGGING = logs.configuration(ENVIRONMENT.log_level)
