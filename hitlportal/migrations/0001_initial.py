"""Requests for a link to sign in, and the default cache, which all processes share (login rate limits live in it)."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

# Unlogged: a cache may be empty after a crash, and so costs no write-ahead log.
CREATE_CACHE = """
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
    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(CREATE_CACHE, "DROP TABLE portal_cache"),
        migrations.CreateModel(
            name="LinkRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(max_length=150)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
