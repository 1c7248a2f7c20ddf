"""Logging of every process: to the terminal, one line for each thing that happened."""

from typing import Any


def configuration(level: str) -> dict[str, Any]:
    """Return `LOGGING` for the settings; what repeats each second is left out."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        },
        "filters": {"once": {"()": "hitlportal.processes.redaction.OncePerRefusedHost"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"level": level},
            "django.request": {"filters": ["once"]},
            # One line for each sweep of each second says nothing.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # Whatever LOG_LEVEL says: these tell of values, headers and addresses, many of them secret.
            "apprise": {"level": "CRITICAL"},
            "django.db.backends": {"level": "INFO"},
            "httpcore": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "oauthlib": {"level": "WARNING"},
            "requests_oauthlib": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},
        },
    }
