"""Requests for a sign-in link."""

from django.db import models


class LinkRequest(models.Model):
    """Somebody asked for a link to their mailbox; the worker looks up whether there is one, and deletes the row.

    Names of nobody are kept like any other: the page must not answer faster for them.
    """

    username = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        """The name that was typed."""
        return self.username
