import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from approvals.models.proposal import Proposal
from policies.models import Agent, Surface

_KEPT_ONCE_USED = """
    IF EXISTS (SELECT 1 FROM approvals_upload WHERE id = {row}.upload_id AND proposal_id IS NOT NULL) THEN
        RAISE EXCEPTION 'The rows of a proposal never change.';
    END IF;
    RETURN {row};
"""


class Upload(models.Model):
    """Rows that an agent has sent once, for one proposal to name: many rows, one digest, never changed.

    `digest` is the SHA-256 of all lines, each the RFC 8785 canonical JSON of one row and a line feed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="+")
    surface = models.ForeignKey(
        Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    member = models.CharField(_("field of the payload"), max_length=200)
    count = models.PositiveIntegerField(_("rows"))
    size = models.PositiveBigIntegerField(_("bytes"))
    digest = models.CharField(_("digest"), max_length=71)
    kinds = models.JSONField(_("kinds of change"))
    key = models.CharField(_("field people search by"), max_length=200)
    kind = models.CharField(_("field that names the change"), max_length=200, blank=True)
    seed = models.CharField(
        _("seed"), max_length=64, help_text=_("What the sample is drawn by. Its agent never learns it.")
    )
    # No constraint in the database: it would lock the row of the proposal. No proposal is ever deleted.
    proposal = models.ForeignKey(
        Proposal, null=True, blank=True, on_delete=models.PROTECT, related_name="uploads", db_constraint=False
    )
    source = models.ForeignKey(
        "self",
        verbose_name=_("left out of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("The agent's rows, of which a person has left some out."),
    )
    left_out = ArrayField(
        models.PositiveIntegerField(),
        verbose_name=_("rows left out"),
        default=list,
        blank=True,
        help_text=_("Their numbers there, counted from 1."),
    )
    created_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        default_permissions = ()
        indexes = [
            models.Index(fields=["created_at"], name="upload_unused", condition=Q(proposal__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(name="upload_has_rows", condition=Q(count__gt=0)),
            models.CheckConstraint(
                name="upload_leaves_out_of_a_source",
                condition=Q(source__isnull=True, left_out__len=0) | Q(source__isnull=False, left_out__len__gt=0),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="upload_same_rows",
                fields=[
                    "id", "agent", "surface", "member", "count", "size", "digest", "kinds", "key", "kind", "seed",
                    "source", "left_out", "created_at",
                ],
            ),
            pgtrigger.Protect(
                name="upload_of_one_proposal",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__proposal__isnull=False)
                & pgtrigger.Q(old__proposal__df=pgtrigger.F("new__proposal")),
            ),
            pgtrigger.Protect(
                name="upload_kept_once_used",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__proposal__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.member} ({self.count})"


class UploadChunk(models.Model):
    """Some lines of an upload, in their order: ROWS of them in each but the last."""

    ROWS = 200

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    first = models.PositiveIntegerField(_("number of its first row"))
    count = models.PositiveIntegerField(_("rows"))
    body = models.BinaryField(_("lines"))

    class Meta:
        verbose_name = _("part of an upload")
        verbose_name_plural = _("parts of uploads")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="upload_chunk_once", fields=["upload", "number"])]
        triggers = [
            pgtrigger.Protect(name="upload_chunk_immutable", operation=pgtrigger.Update),
            pgtrigger.Trigger(
                name="upload_chunk_kept_once_used",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func=_KEPT_ONCE_USED.format(row="OLD"),
            ),
            pgtrigger.Trigger(
                name="upload_chunk_before_use",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_KEPT_ONCE_USED.format(row="NEW"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} #{self.number}"


class UploadScan(models.Model):
    """What was found in all rows of an upload by one set of checks: kept, since reading them takes its time."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="scans", db_index=False)
    checks_digest = models.CharField(_("digest of the checks"), max_length=71)
    faults = models.JSONField(_("what breaks the schema"))
    findings = models.JSONField(_("what guardrails found"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("scan of an upload")
        verbose_name_plural = _("scans of uploads")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="upload_scan_once", fields=["upload", "checks_digest"])]
        triggers = [pgtrigger.Protect(name="upload_scan_immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.upload_id} {self.checks_digest}"
