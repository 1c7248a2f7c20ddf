from datetime import timedelta

import pgtrigger
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.calendar import Calendar
from policies.models.connector import Connector
from policies.models.fields import CurrencyField, DottedSlugField
from policies.models.tier import Tier

SHARE = [MinValueValidator(0), MaxValueValidator(1)]


class Surface(models.Model):
    """A place where actions take effect, and how closely it is watched."""

    slug = DottedSlugField(_("slug"), primary_key=True, help_text=_("For example email.lifecycle. It cannot change."))
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("On a disabled surface every proposal is blocked.")
    )
    owner = models.ForeignKey(
        Group,
        verbose_name=_("owner role"),
        to_field="name",
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The role whose people decide."),
    )
    connector = models.ForeignKey(
        Connector,
        verbose_name=_("connector"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="surfaces",
        help_text=_("How approved actions are executed. Without one, nothing can ship."),
    )

    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The default review level."),
    )
    floor = models.ForeignKey(
        Tier,
        verbose_name=_("floor"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The minimum, whatever rules or trust say."),
    )
    senior_tier = models.ForeignKey(
        Tier,
        verbose_name=_("senior tier"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("What a proposal of very low confidence gets."),
    )
    confidence_high = models.FloatField(
        _("high confidence"),
        default=0.9,
        validators=SHARE,
        help_text=_("Below this, an automatic tier becomes individual review. From 0 to 1."),
    )
    confidence_low = models.FloatField(
        _("low confidence"),
        default=0.5,
        validators=SHARE,
        help_text=_("Below this, the senior tier applies. From 0 to 1."),
    )

    deadline = models.DurationField(
        _("deadline"), default=timedelta(hours=24), help_text=_("How long people have. Then the proposal expires.")
    )
    calendar = models.ForeignKey(
        Calendar,
        verbose_name=_("calendar"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="surfaces",
        help_text=_("Deadline and escalations run only in its working hours. Empty: around the clock."),
    )
    undo_window = models.DurationField(
        _("undo window"), default=timedelta(seconds=10), help_text=_("How long an approval waits before it ships.")
    )
    shelf_life = models.DurationField(
        _("shelf life"),
        null=True,
        blank=True,
        help_text=_(
            "How long an approval that is held up stays good. Then people are asked again. Empty: the deadline."
        ),
    )
    retention = models.DurationField(
        _("retention"), default=timedelta(days=3650), help_text=_("How long payloads are kept.")
    )
    editor_may_approve = models.BooleanField(
        _("editors may approve"), default=False, help_text=_("Anyone who edits a proposal may also approve the edit.")
    )
    agent_owner_may_decide = models.BooleanField(
        _("agent owners may decide"), default=False, help_text=_("Owners of an agent may decide on its proposals.")
    )

    distinct_people = models.BooleanField(
        _("distinct people"),
        default=False,
        help_text=_("Nobody counts for more than one of the names whose approvals are required."),
    )

    payload_schema = models.JSONField(
        _("payload schema"), default=dict, blank=True, help_text=_("JSON Schema 2020-12 that every payload must meet.")
    )
    derived_tags = models.JSONField(
        _("derived tags"),
        default=list,
        blank=True,
        help_text=_('Tags that the portal adds itself: [{"tag": "…", "if": a JSON Schema that the payload meets}].'),
    )
    amount_pointer = models.CharField(
        _("amount is at"),
        max_length=200,
        blank=True,
        help_text=_("JSON Pointer into the payload, e.g. /amount. The portal reads the amount there itself."),
    )
    audience_pointer = models.CharField(
        _("audience size is at"),
        max_length=200,
        blank=True,
        help_text=_("JSON Pointer into the payload, e.g. /audience/size. The portal reads the size there itself."),
    )

    currency = CurrencyField(
        _("currency"), help_text=_("In which all amounts are, e.g. USD. An amount in another one needs a person.")
    )

    params = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_('Numbers and lists that conditions may name: {"weekly_budget": 40000} is params.weekly_budget.'),
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("In which rules read the day and the hour.")
    )
    cool_down = models.DurationField(
        _("cool-down"),
        default=timedelta(0),
        help_text=_("How long after something shipped the same target counts as taken."),
    )

    card = models.SlugField(
        _("card"),
        max_length=40,
        default="fields",
        db_index=False,
        help_text=_("How its changes are drawn for reviewers. It changes no policy."),
    )

    is_customer_facing = models.BooleanField(_("customers see it"), default=False)
    has_personal_data = models.BooleanField(_("personal data"), default=False)
    writes_to_production = models.BooleanField(_("writes to production"), default=False)
    spends_money = models.BooleanField(_("spends money"), default=False)
    has_legal_effect = models.BooleanField(_("legal effect"), default=False)
    is_irreversible = models.BooleanField(_("cannot be undone"), default=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("surface")
        verbose_name_plural = _("surfaces")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="surface_confidence_bands_in_order",
                condition=Q(confidence_low__gte=0, confidence_low__lte=F("confidence_high"), confidence_high__lte=1),
                violation_error_message=_("Low confidence must be at most high confidence, both from 0 to 1."),
            ),
            models.CheckConstraint(
                name="surface_durations_make_sense",
                condition=Q(
                    deadline__gt=timedelta(0),
                    undo_window__gte=timedelta(0),
                    retention__gt=timedelta(0),
                    cool_down__gte=timedelta(0),
                )
                & (Q(shelf_life__isnull=True) | Q(shelf_life__gt=timedelta(0))),
                violation_error_message=_("Deadline and retention must be longer than nothing; undo not negative."),
            ),
        ]
        triggers = [
            # A claim reads this row FOR SHARE and ships nothing without it, so no surface may lack one.
            pgtrigger.Trigger(
                name="has_a_kill_switch",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=(
                    "INSERT INTO policies_killswitch (scope, surface_id, is_engaged, reason, engaged_by_name)"
                    " VALUES ('surface:' || NEW.slug, NEW.slug, false, '', '') ON CONFLICT DO NOTHING; RETURN NULL;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.slug
