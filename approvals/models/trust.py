"""Counts of each proposal, their sums, what follows for agents on surfaces, and what became of that."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.revision import IMMUTABLE
from policies.models import Agent, Loosening, Surface, Tier


def _sum() -> "models.BigIntegerField[int, int]":
    """Return a column of a sum. All are whole numbers, so that a sum is the same in whatever order its parts arrive."""
    return models.BigIntegerField(default=0)


class TrustCase(models.Model):
    """What one proposal counts for, as it stood when it was last counted.

    It has no foreign key in the database: checking one would wait for anybody who holds the proposal's row.
    """

    class Kind(models.TextChoices):
        WAITING = "waiting", _("Nothing is known yet")
        APPROVED = "approved", _("Approved as proposed")
        EDITED = "edited", _("Approved after a person changed it")
        REVISED = "revised", _("Approved after the agent changed it")
        RETURNED = "returned", _("Sent back")
        REJECTED = "rejected", _("Rejected")
        TAKEN_OVER = "taken_over", _("Taken over")
        EXPIRED = "expired", _("Expired without a decision")
        WITHDRAWN = "withdrawn", _("Withdrawn by the agent")
        BLOCKED = "blocked", _("Blocked by the policy")
        UNSEEN = "unseen", _("Shipped automatically")
        SAMPLED = "sampled", _("Shipped automatically, then spot-checked")

    proposal_id = models.UUIDField(primary_key=True, editable=False)
    agent = models.CharField(_("agent"), max_length=100)
    surface = models.CharField(_("surface"), max_length=100)
    action = models.CharField(_("action"), max_length=120)
    model = models.CharField(_("model"), max_length=200, blank=True)
    tenth = models.SmallIntegerField(_("tenth of confidence"), help_text=_("From 0 to 9."))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    is_right = models.BooleanField(_("right"), null=True, help_text=_("Empty: no person has judged it."))
    weight = models.BigIntegerField(_("weight"), help_text=_("In thousandths: one by the chance of being looked at."))
    confidence = models.IntegerField(_("confidence"), help_text=_("In millionths."))
    reason = models.CharField(_("reason"), max_length=16, blank=True)
    is_rolled_back = models.BooleanField(_("rolled back"))
    has_shipped = models.BooleanField(_("shipped"))
    has_incident = models.BooleanField(_("incident"))
    is_inside = models.BooleanField(_("inside the expected bounds"), null=True)
    settled_at = models.DateTimeField(_("settled at"))
    problem_at = models.DateTimeField(
        _("problem at"), null=True, help_text=_("An incident, a roll back, a wrong sample.")
    )
    wait_seconds = models.IntegerField(_("seconds to a decision"), null=True)
    entry = models.BigIntegerField(_("counted up to entry"))

    class Meta:
        verbose_name = _("counted proposal")
        verbose_name_plural = _("counted proposals")
        default_permissions = ()
        indexes = [
            models.Index(fields=["agent", "surface", "settled_at"], name="trust_case_by_time"),
            models.Index(fields=["agent", "surface", "model"], name="trust_case_by_model"),
            models.Index(
                fields=["surface", "agent", "problem_at"],
                name="trust_case_problem",
                condition=Q(problem_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} · {self.kind}"


class TrustCount(models.Model):
    """The sums of all cases of one agent, surface, action, model version, day (UTC) and tenth of confidence."""

    agent = models.CharField(max_length=100)
    surface = models.CharField(max_length=100)
    model = models.CharField(max_length=200, blank=True)
    day = models.DateField()
    action = models.CharField(max_length=120)
    tenth = models.SmallIntegerField()
    proposals = _sum()
    decided = _sum()
    right = _sum()
    weight = _sum()
    weight_right = _sum()
    weight_squares = _sum()
    approved = _sum()
    edited = _sum()
    revised = _sum()
    returned = _sum()
    rejected = _sum()
    taken_over = _sum()
    expired = _sum()
    withdrawn = _sum()
    blocked = _sum()
    unseen = _sum()
    sampled = _sum()
    sampled_wrong = _sum()
    shipped = _sum()
    rolled_back = _sum()
    incidents = _sum()
    inside = _sum()
    outside = _sum()
    confidence = _sum()
    squares = _sum()

    class Meta:
        verbose_name = _("trust count")
        verbose_name_plural = _("trust counts")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="trust_count_once", fields=["agent", "surface", "model", "day", "action", "tenth"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.agent} · {self.surface} · {self.day}"


class TrustProgress(models.Model):
    """Up to when everything is counted, and when all was last counted anew. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    counted_until = models.DateTimeField(_("counted until"), null=True)
    recounted_at = models.DateTimeField(_("recounted at"), null=True)

    class Meta:
        verbose_name = _("progress of counting")
        verbose_name_plural = _("progress of counting")
        default_permissions = ()
        constraints = [models.CheckConstraint(name="trust_progress_is_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.counted_until}"


class TrustFigures(models.Model):
    """What is known of one agent on one surface with the version of its model that it runs now."""

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+")
    model = models.CharField(_("model"), max_length=200, blank=True)
    measures = models.JSONField(_("measures"), default=dict)
    step = models.CharField(_("next step"), max_length=100, blank=True)
    missing = models.JSONField(_("what is missing"), default=list)
    loss = models.JSONField(_("why it is lost"), null=True)
    is_earned = models.BooleanField(_("the next step is earned"), default=False)
    computed_at = models.DateTimeField(_("computed at"))

    class Meta:
        verbose_name = _("trust in an agent on a surface")
        verbose_name_plural = _("trust in agents on surfaces")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(name="trust_figures_once", fields=["agent", "surface"])]

    def __str__(self) -> str:
        return f"{self.agent_id} · {self.surface_id}"


class Recommendation(models.Model):
    """An agent has earned the next step on a surface. A person takes it, with a second one, or declines."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a person")
        ASKED = "asked", _("Waits for a second person")
        DECLINED = "declined", _("Declined")
        DONE = "done", _("Taken")
        OUTDATED = "outdated", _("Overtaken")

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+")
    model = models.CharField(_("model"), max_length=200, blank=True)
    from_tier = models.CharField(_("from"), max_length=100)
    to_tier = models.ForeignKey(Tier, verbose_name=_("to"), on_delete=models.PROTECT, related_name="+")
    evidence = models.JSONField(_("evidence"))
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    made_at = models.DateTimeField(_("made at"))
    loosening = models.ForeignKey(Loosening, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_by_name = models.CharField(_("answered by"), max_length=200, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    note = models.CharField(_("why"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="recommendation_one_at_a_time",
                fields=["agent", "surface"],
                condition=Q(status__in=["open", "asked"]),
            ),
            models.CheckConstraint(
                name="recommendation_declined_says_why", condition=~Q(status="declined") | ~Q(note="")
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="recommendation_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="recommendation_same_evidence",
                fields=["agent", "surface", "model", "from_tier", "to_tier", "evidence", "made_at"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} · {self.surface_id} · {self.to_tier_id}"


class Demotion(models.Model):
    """An agent has lost what it had earned on a surface, at once and by itself."""

    class Why(models.TextChoices):
        MODEL = "model", _("Another version of its model")
        INCIDENT = "incident", _("An incident or a complaint")
        ROLL_BACK = "roll_back", _("Rolled back on a high-risk surface")
        SURFACE = "surface", _("Too many problems on the surface")
        DRIFT = "drift", _("Its work got worse")
        BOUNDS = "bounds", _("Right less often than required")
        ROLL_BACKS = "roll_backs", _("Rolled back too often")
        CALIBRATION = "calibration", _("Its confidence is unreliable")

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="+")
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+")
    model = models.CharField(_("model"), max_length=200, blank=True)
    from_tier = models.CharField(_("from"), max_length=100)
    to_tier = models.CharField(_("to"), max_length=100)
    why = models.CharField(_("why"), max_length=12, choices=Why.choices)
    evidence = models.JSONField(_("evidence"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("demotion")
        verbose_name_plural = _("demotions")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["agent", "surface", "-at"], name="demotion_by_touchpoint")]
        triggers = [pgtrigger.Protect(name="demotion_immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.agent_id} · {self.surface_id} · {self.why}"
