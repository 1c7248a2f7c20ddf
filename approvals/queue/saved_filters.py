"""Searches of the desk that people gave a name. The only writer of them."""

from typing import Final
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.models import SavedFilter

MOST: Final = 20


class FilterRefused(ValueError):
    """The filter cannot be saved; `str()` is a sentence for people."""


@transaction.atomic
def save(*, person: User, name: str, query: str) -> SavedFilter:
    """Keep `query`, the part of an address after `?`, under `name`; the same name replaces it.

    Raises FilterRefused without a name or a query, where either is too long, or after MOST filters.
    """
    name, query = name.strip(), urlencode(parse_qsl(query.strip()))
    if not name or len(name) > 60:
        raise FilterRefused(_("Give the filter a name of at most 60 characters."))
    if not query or len(query) > 500:
        raise FilterRefused(_("Search or choose something first; then it can be saved."))
    own = SavedFilter.objects.filter(person=person)
    # One at a time for each person, so that the count holds.
    User.objects.select_for_update().get(pk=person.pk)
    if own.exclude(name=name).count() >= MOST:
        raise FilterRefused(_("You have %s saved filters already. Remove one first.") % MOST)
    row, _made = SavedFilter.objects.update_or_create(person=person, name=name, defaults={"query": query})
    return row


def drop(*, person: User, filter_id: int) -> None:
    """Forget one of the person's own filters."""
    SavedFilter.objects.filter(person=person, pk=filter_id).delete()
