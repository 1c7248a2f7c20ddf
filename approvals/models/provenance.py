from typing import Final

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

BEHIND: Final = ("agent_owner", "agent_owner_name", "key_issuer", "key_issuer_name", "traceparent")
ASKED_ONCE: Final = (
    "id", "agent", "surface", "action", "created_at", "expires_at", "callback_url", "callback_when", *BEHIND,
)  # fmt: skip
"""What never changes of a proposal."""
BY_ORIGIN: Final = (
    # Hashes of what agents wrote, which may be longer than a B-tree takes.
    GinIndex(fields=["model"], name="proposal_by_model", opclasses=["jsonb_path_ops"]),
    GinIndex(fields=["trigger"], name="proposal_by_trigger", opclasses=["jsonb_path_ops"]),
)
"""Finds the proposals of a model, and of a trigger."""
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

    traceparent = models.CharField(
        _("trace"), max_length=55, blank=True, help_text=_("The W3C trace context of the request that proposed it.")
    )

    class Meta:
        abstract = True

    def trace(self) -> dict[str, str]:
        """Return the header, or the member, that carries the trace on; nothing where there is none."""
        return {"traceparent": self.traceparent} if self.traceparent else {}

    @property
    def trace_id(self) -> str:
        """The id of that trace; empty where there is none."""
        return self.traceparent[3:35]

    def keep_away(self, *people: int | None) -> None:
        """Write down, unsaved, who is too close to this proposal ever to decide on it, besides those known."""
        self.close_people = sorted({*self.close_people, *(person for person in people if person is not None)})
