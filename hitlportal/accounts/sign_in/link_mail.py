"""The way in by e-mail while passwords are slow: a link that makes the browser known that opens it.

The link replaces no password. Anyone who opens it may try theirs at once, from that browser.
"""

import logging
import smtplib
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import due_work
from approvals.due_work import Question
from hitlportal.accounts.sign_in import limits
from hitlportal.accounts.sign_in.limits import Limit
from hitlportal.models import LinkRequest

log = logging.getLogger(__name__)

VALID_FOR: Final = timedelta(hours=1)
# The longest wait is shorter than a link is valid: whenever no new one is sent, an earlier one still works.
MAILBOX: Final = Limit(free=3, first=timedelta(minutes=5), longest=timedelta(minutes=30), remembered=timedelta(days=1))
_SALT: Final = "hitlportal.accounts.sign_in.link_mail"


def ask(*, username: str, address: str) -> None:
    """Note that somebody at `address` asked for a link; too many in a row are left out without a word."""
    keys = {f"mail:{username.lower()}": MAILBOX, f"mail-from:{address}": limits.ADDRESS}
    if not limits.count(keys):
        LinkRequest.objects.create(username=username)


def asked_for() -> list[Question]:
    """Ask whether a link is to be sent; see `approvals.due_work`."""
    return [due_work.exists(LinkRequest.objects.all())]


def send_asked_for(*, most: int) -> int:
    """Send the links that were asked for; return how many requests were dealt with.

    A request is gone before its mail is sent: one that gets lost is asked for again, one that comes
    twice makes people wary.
    """
    names = _take(most)
    for username in names:
        person = User.objects.filter(username=username, is_active=True).exclude(email="").first()
        if person is not None and person.has_usable_password():
            _send(person)
    return len(names)


@transaction.atomic
def _take(most: int) -> list[str]:
    rows = list(LinkRequest.objects.select_for_update(skip_locked=True).order_by("pk")[:most])
    LinkRequest.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return [row.username for row in rows]


def _send(person: User) -> None:
    link = f"{settings.SITE_URL}{reverse('sign_in_link')}?link={signing.dumps(person.username, salt=_SALT)}"
    body = render_to_string("account/email/sign_in_link.txt", {"link": link, "username": person.username})
    try:
        send_mail(_("Your way to sign in"), body, None, [person.email])
    except (smtplib.SMTPException, OSError) as error:
        log.warning("A link to sign in could not be sent (%s).", type(error).__name__)


def username_of(text: str) -> str | None:
    """Return whose link this is; None if nobody sent it, or its time is over."""
    try:
        return str(signing.loads(text, salt=_SALT, max_age=VALID_FOR))
    except (signing.BadSignature, ValueError):
        return None
