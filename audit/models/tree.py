from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.models.append_only import APPEND_ONLY


class Leaf(models.Model):
    """The place of an entry in the tree, and the hash of what stands there."""

    index = models.BigIntegerField(_("index"), primary_key=True)
    # Without a key in the database: verification finds what is missing, and a row a thousand times a second need not.
    entry = models.OneToOneField(
        "audit.Entry", on_delete=models.DO_NOTHING, related_name="leaf", db_constraint=False, verbose_name=_("entry")
    )
    hash = models.BinaryField(_("hash"))

    class Meta:
        verbose_name = _("leaf")
        verbose_name_plural = _("leaves")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="leaf_index_begins_at_0", condition=models.Q(index__gte=0)),
        ]
        triggers = list(APPEND_ONLY)

    def __str__(self) -> str:
        return str(self.index)


class Tile(models.Model):
    """256 hashes of one level of the tree, complete, and the hash of them all: one hash of the level above."""

    level = models.PositiveSmallIntegerField(_("level"))
    index = models.BigIntegerField(_("index"))
    hashes = models.BinaryField(_("hashes"))
    root = models.BinaryField(_("root"))

    class Meta:
        verbose_name = _("tile")
        verbose_name_plural = _("tiles")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="tile_once", fields=["level", "index"]),
        ]
        triggers = list(APPEND_ONLY)

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Checkpoint(models.Model):
    """A signed head of the ledger: so many entries, this root. One for each size."""

    size = models.BigIntegerField(_("entries"), primary_key=True)
    number = models.BigIntegerField(_("number"), unique=True)
    root = models.BinaryField(_("root"))
    note = models.TextField(_("signed note"))
    at = models.DateTimeField(_("signed at"))

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["-size"]
        default_permissions = ("view",)
        triggers = list(APPEND_ONLY)

    def __str__(self) -> str:
        return str(self.size)


class SequencerMark(models.Model):
    """How far entries are known to be in the tree, so that the sequencer need not look at all of them. One row.

    Ids are given before they are committed: an entry with a smaller id may come to light after one with a larger
    one. `next_mark` becomes `mark` once every transaction that ran when it was noted has ended.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    mark = models.BigIntegerField(_("all up to here are in the tree"), default=0)
    next_mark = models.BigIntegerField(_("the next mark"), default=0)
    noted_transaction = models.BigIntegerField(_("first transaction that had not begun"), default=0)
    noted_at = models.DateTimeField(_("noted at"), null=True)

    class Meta:
        verbose_name = _("mark of the sequencer")
        verbose_name_plural = _("marks of the sequencer")
        default_permissions = ()
        constraints = [models.CheckConstraint(name="sequencer_mark_is_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return str(self.mark)
