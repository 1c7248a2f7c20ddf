"""Beat's schedule: the sweeps of proposals and the portal's own, at the intervals of the settings."""

from typing import Any, Final

from approvals import sweeps
from approvals.sweeps import Sweep, Work

SWEEPS: Final = (
    *sweeps.SWEEPS,
    Sweep(
        task="hitlportal.tasks.send_sign_in_links",
        title="send links to sign in",
        every_seconds=2.0,
        look="hitlportal.accounts.sign_in.link_mail.asked_for",
        # A mail server may take fifteen seconds for each.
        work=(Work("hitlportal.accounts.sign_in.link_mail.send_asked_for", 3, 10, is_repeated=False),),
    ),
    Sweep(
        task="hitlportal.tasks.forget_expired",
        title="forget what has run out of signing in",
        every_seconds=3600.0,
        expires_seconds=3600,
        work=(Work("hitlportal.tasks.forget_ended", 5_000, 5_000, is_repeated=False),),
    ),
)


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return what Celery's beat asks for, and how often."""
    return {
        sweep.title: {
            "task": sweep.task,
            "schedule": sweep.every_seconds,
            "options": {"expires": sweep.expires_seconds},
        }
        for sweep in SWEEPS
    }
