"""Sessions in the database, as Django keeps them, read by a query that is compiled once."""

from typing import Final

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from policies.compiled_queries import CompiledQuery

_LIVE: Final = CompiledQuery(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now))


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        session = _LIVE.first(key=self.session_key, now=timezone.now())
        if session is None:
            self._session_key = None  # a key that stands for nothing is not used for a new session
        return session
