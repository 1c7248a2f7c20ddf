from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords


class Proposal(models.Model):
    """The columns of a proposal and its first revision, in one table."""

    reference = models.CharField(max_length=200, unique=True)
    agent = models.CharField(max_length=80)
    surface = models.CharField(max_length=80)
    action = models.CharField(max_length=120)
    title = models.CharField(max_length=300)
    rationale = models.TextField(blank=True)
    trigger = models.JSONField(null=True, blank=True)
    evidence = models.JSONField(default=list, blank=True)
    metrics = models.JSONField(default=list, blank=True)
    expected_outcome = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    audience_size = models.PositiveBigIntegerField(null=True, blank=True)
    payload = models.JSONField()
    before = models.JSONField(null=True, blank=True)
    rollback = models.JSONField(null=True, blank=True)
    targets = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    model = models.JSONField(null=True, blank=True)
    callback_url = models.URLField(max_length=2000, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, default="pending")
    tier = models.CharField(max_length=80, blank=True)
    owner = models.CharField(max_length=150, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    release_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: models.Manager["Proposal"] = models.Manager()
    history = HistoricalRecords()

    class Meta:
        indexes = [
            models.Index(fields=["surface", "-id"]),
            models.Index(fields=["state", "-id"]),
            models.Index(fields=["agent", "-id"]),
        ]

    def __str__(self) -> str:
        return self.title
