"""Snoozes, assignments and presence: they arrange people's work and decide nothing."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal


class Snooze(models.Model):
    """One person does not want to see a proposal among their turns until a time."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="snoozes")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("snooze")
        verbose_name_plural = _("snoozes")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="snooze_once_per_person", fields=["person", "proposal"])]


class Assignment(models.Model):
    """It is this person's turn. Others in the deciding roles may still decide."""

    proposal = models.OneToOneField(Proposal, primary_key=True, on_delete=models.PROTECT, related_name="assignment")
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("to"), on_delete=models.CASCADE, related_name="assignments"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(_("by"), max_length=200)
    at = models.DateTimeField(_("at"))
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        default_permissions = ()


class Presence(models.Model):
    """Somebody had a proposal on their screen at a time."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="presences")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(_("seen at"))

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="presence_once_per_person", fields=["proposal", "person"])]


class SavedFilter(models.Model):
    """A search of the desk that somebody gave a name."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("query"), max_length=500)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="saved_filter_once_per_name", fields=["person", "name"])]
