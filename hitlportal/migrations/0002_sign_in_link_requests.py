"""Requests for a link to sign in, until a worker has dealt with them."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("hitlportal", "0001_cache")]
    operations: ClassVar[list[migrations.CreateModel]] = [
        migrations.CreateModel(
            name="LinkRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username", models.CharField(max_length=150)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
