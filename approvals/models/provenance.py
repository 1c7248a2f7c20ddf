from typing import Final

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

BEHIND: Final = ("agent_owner", "agent_owner_name", "key_issuer", "key_issuer_name")
STAYS_CLOSE: Final = pgtrigger.Protect(
    name="who_is_close_stays_close",
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("NOT (NEW.close_people @> OLD.close_people)"),
)


class Provenance(models.Model):
    """The people behind a proposal, as they were when it was made: evidence, and why they never decide on it."""

    agent_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner of the agent"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Who owned the agent when it proposed this."),
    )
    agent_owner_name = models.CharField(_("owner of the agent at the time"), max_length=200)
    key_issuer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("issuer of the key"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Who issued the API key with which it was proposed."),
    )
    key_issuer_name = models.CharField(_("issuer of the key at the time"), max_length=200, blank=True)
    close_people = ArrayField(
        models.IntegerField(),
        verbose_name=_("too close to decide"),
        default=list,
        blank=True,
        editable=False,
        help_text=_("Owners of its agent and issuers of the keys in use, whenever the agent sent something of it."),
    )

    class Meta:
        abstract = True

    def keep_away(self, *people: int | None) -> None:
        """Write down, unsaved, who is too close to this proposal ever to decide on it, besides those known."""
        self.close_people = sorted({*self.close_people, *(person for person in people if person is not None)})
