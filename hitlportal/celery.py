"""The Celery app: it wakes workers up, and carries nothing that would be lost with a message."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning
from django.conf import settings
from django.db import close_old_connections
from kombu import Exchange, Queue

from approvals import sweeps
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlportal.settings")

# A request that publishes waits at most this long for Redis, then goes on without.
BROKER_SECONDS = 0.5


def _broker() -> dict[str, Any]:
    """Return where messages go: Redis, or else files in the state folder."""
    if settings.REDIS_URL:
        return {
            "broker_url": settings.REDIS_URL,
            "broker_transport_options": {
                "socket_timeout": BROKER_SECONDS,
                "socket_connect_timeout": BROKER_SECONDS,
                # Longer than any task's hard limit, or Redis would hand out what is still being worked on.
                "visibility_timeout": 3600,
            },
        }
    broker.register()
    messages, control = settings.BROKER_DIR / "messages", settings.BROKER_DIR / "control"
    for folder in (messages, control):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "broker_url": f"{broker.SCHEME}://localhost",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
        },
    }


# It says so at each start when it runs as root; `serve` says it once.
warnings.simplefilter("ignore", SecurityWarning)

app = Celery("hitlportal")
app.conf.update(
    **_broker(),
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    # For tasks that name none of their own; `hitlportal.processes.watchdog` keeps them where the pool does not.
    task_soft_time_limit=120,
    task_time_limit=180,
    task_publish_retry=False,
    task_default_queue=sweeps.WORK,
    task_queues=[
        Queue(name, Exchange(name), routing_key=name) for name in (sweeps.SHIPPING, sweeps.WORK, sweeps.NOTICES)
    ],
    task_routes={sweep.task: {"queue": sweep.queue, "routing_key": sweep.queue} for sweep in SWEEPS},
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=BROKER_SECONDS,
    timezone="UTC",
    enable_utc=True,
    beat_schedule=settings.CELERY_BEAT_SCHEDULE,
    beat_scheduler="hitlportal.processes.beat.reminders:Reminders",
)
app.autodiscover_tasks()

# Celery would open a new database connection for each task; Django's own rule keeps a healthy one.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize


@signals.task_prerun.connect
@signals.task_postrun.connect
def _forget_broken_connections(**facts: Any) -> None:
    close_old_connections()


_causes: dict[str, Any] = {}


@signals.task_prerun.connect
def _begin_cause(task_id: str, **facts: Any) -> None:
    """Let the ledger entries of a task name it, as the worker's log does."""
    from audit.ledger import entries  # noqa: PLC0415  # models are not there when a worker loads this

    _causes[task_id] = entries.begin(entries.Cause(f"task:{task_id}"[:64]))


@signals.task_postrun.connect
def _end_cause(task_id: str, **facts: Any) -> None:
    from audit.ledger import entries  # noqa: PLC0415

    if (token := _causes.pop(task_id, None)) is not None:
        entries.end(token)
