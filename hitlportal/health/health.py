"""Health checks: is the portal alive, and can it do its work?"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import KombuError, OperationalError

from hitlportal.celery import app

logger = logging.getLogger(__name__)

OK = "ok"


class NotReady(Exception):
    """A part the portal needs does not work; the message says what is wrong with it."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process is alive. Touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether database, migrations and broker are there; 503 names what is not."""
    parts = {name: state_of(name) for name in CHECKS}
    is_ready = all(state == OK for state in parts.values())
    body = {"status": OK if is_ready else "unavailable", "parts": parts}
    return JsonResponse(body, status=200 if is_ready else 503)


def state_of(name: str) -> str:
    """Return OK, or what is wrong with the part of that name."""
    try:
        CHECKS[name]()
    except NotReady as problem:
        logger.warning("Not ready: %s: %s", name, problem.__cause__ or problem)
        return str(problem)
    return OK


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady("does not answer") from error


def _migrations() -> None:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, ImproperlyConfigured) as error:
        raise NotReady("cannot be read") from error
    if pending:
        raise NotReady(f"{len(pending)} pending")


def _broker() -> None:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (KombuError, OperationalError, OSError) as error:
        raise NotReady("does not answer") from error


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
}
