"""Background work of signing in: links are sent, and what has run out is deleted, a batch at a time."""

from typing import Any, Final

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from hitlportal.accounts.sign_in import link_mail

BATCH: Final = 5_000
MOST_LINKS: Final = 3  # a mail server may take fifteen seconds for each
LIMITS: Final[dict[str, Any]] = {"soft_time_limit": 60, "time_limit": 120}


@shared_task(name="hitlportal.tasks.send_sign_in_links", **LIMITS)
def send_sign_in_links() -> None:
    """Send the links that were asked for."""
    link_mail.send_asked_for(most=MOST_LINKS)


@shared_task(name="hitlportal.tasks.forget_expired", **LIMITS)
def forget_expired() -> None:
    """Delete counts and sessions that are over; at most a batch of each, since the next hour comes."""
    forget_ended(most=BATCH)


def forget_ended(*, most: int) -> int:
    """Delete up to `most` counts and as many sessions that are over; return how many sessions there were."""
    caches["default"].forget_expired(most=most)  # type: ignore[attr-defined]  # the portal's own backend
    return forget_sessions(most=most)


@transaction.atomic
def forget_sessions(*, most: int) -> int:
    """Delete up to `most` sessions that have run out, and what people saw of sessions that are gone."""
    over = Session.objects.select_for_update(skip_locked=True).filter(expire_date__lt=Now())[:most]
    keys = [session.session_key for session in over]
    Session.objects.filter(session_key__in=keys).delete()
    still_there = Session.objects.filter(session_key=OuterRef("session_key"))
    gone = UserSession.objects.filter(~Exists(still_there)).values("pk")[:most]
    UserSession.objects.filter(pk__in=list(gone.values_list("pk", flat=True))).delete()
    return len(keys)
