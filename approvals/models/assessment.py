import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.revision import IMMUTABLE, Revision


class Assessment(models.Model):
    """What a model said of one checklist item of one revision. A hint for people; it never decides."""

    class Answer(models.TextChoices):
        YES = "yes", _("The model sees no problem")
        NO = "no", _("The model sees a problem")
        UNSURE = "unsure", _("The model is not sure")
        NOT_ANSWERED = "not_answered", _("The model gave no answer")

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="assessments", db_index=False)
    item = models.CharField(_("checklist item"), max_length=80)
    answer = models.CharField(_("answer"), max_length=12, choices=Answer.choices)
    quotation = models.TextField(_("quotation"), blank=True)
    pointer = models.TextField(_("where"), blank=True)
    start = models.PositiveIntegerField(_("from character"), default=0)
    end = models.PositiveIntegerField(_("to character"), default=0)
    model_name = models.CharField(_("model"), max_length=200)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="assessment_once_per_item", fields=["revision", "item"])]
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.item} {self.answer}"
