"""The table of the default cache, which all processes share (login rate limits live in it)."""

from typing import ClassVar

from django.db import migrations

# Unlogged: a cache may be empty after a crash, and so costs no write-ahead log.
CREATE = """
CREATE UNLOGGED TABLE portal_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX portal_cache_expires ON portal_cache (expires);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(CREATE, "DROP TABLE portal_cache"),
    ]
