"""The database's clock, the only one that decides."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's wall clock, aware and in UTC. Costs one round trip.

    Every process compares with this clock, so a host whose own clock is wrong changes nothing. It is
    `clock_timestamp()` and not `now()`, which stands still from the start of the transaction: a
    transaction that waited for a lock would otherwise act on a time that has passed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment
