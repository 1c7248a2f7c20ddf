"""Limits, guardrails, requirements, and the policy's own tests."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies import guardrails
from policies.admin.json_field import StrictJsonField
from policies.admin.recorded import DraftedAdmin
from policies.admin.tuned import TunedAdmin
from policies.admin.zones import require_time_zone
from policies.engine import policy_tests
from policies.engine.policy_tests import FactsInvalid
from policies.guardrails import GuardrailInvalid, GuardrailPolicy
from policies.models import Guardrail, Limit, PolicyTest, Requirement
from policies.publishing.drafts import members
from policies.publishing.publish import active_policy

_SHORT = {"rows": 6, "class": "vLargeTextField json", "spellcheck": "false"}


class LimitForm(forms.ModelForm[Limit]):
    only: frozenset[str] | None = None
    """The surfaces to which the limit may belong; None for all."""

    class Meta:
        model = Limit
        fields = "__all__"  # noqa: DJ007  # the admin's fieldsets choose

    def clean_surfaces(self) -> list[str]:
        """Keep a limit of those who tune surfaces to these: without a name, or with a *, it would reach further."""
        surfaces: list[str] = self.cleaned_data["surfaces"]
        if self.only is not None and not (surfaces and {*surfaces} <= self.only):
            raise ValidationError(_("Name one or more of your surfaces: %s.") % ", ".join(sorted(self.only)))
        return surfaces

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        require_time_zone(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Ask for a tier exactly where one is raised."""
        cleaned = super().clean() or self.cleaned_data
        for effect, tier in (("effect", "tier"), ("warning_effect", "warning_tier")):
            is_needed = cleaned.get(effect) == "tier" and (effect == "effect" or cleaned.get("warning") is not None)
            if is_needed and not cleaned.get(tier):
                self.add_error(tier, _("Choose a tier where the tier is raised."))
        return cleaned


class Sluggish(DraftedAdmin[Any]):
    """Rows whose key is a slug that people choose once."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()


@admin.register(Limit)
class LimitAdmin(Sluggish, TunedAdmin[Any]):
    form = LimitForm
    list_display = ("slug", "measure", "limit", "per", "window", "effect", "is_enabled")
    list_filter = ("is_enabled", "measure", "window")
    search_fields = ("slug",)
    fieldsets = (
        (None, {"fields": ("slug", "is_enabled", "surfaces", "agents")}),
        (gettext_lazy("What is counted"), {"fields": ("measure", "currency", "per", "window", "length", "time_zone")}),
        (gettext_lazy("At the limit"), {"fields": ("limit", "effect", "tier")}),
        (gettext_lazy("Before that"), {"fields": ("warning", "warning_effect", "warning_tier")}),
    )

    def rows_of(self, rows: QuerySet[Limit], surfaces: frozenset[str]) -> QuerySet[Limit]:
        """Return the limits that name none but these surfaces."""
        return rows.filter(surfaces__len__gt=0, surfaces__contained_by=[*surfaces])

    def get_form(self, request: HttpRequest, obj: Limit | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT002  # Django's signature
        """Tell the form to which surfaces the limit may belong."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.only = self.tuned(request) if self.may_only_tune(request) else None
        return form


class GuardrailForm(forms.ModelForm[Guardrail]):
    config = StrictJsonField(
        label=gettext_lazy("Settings"),
        required=False,
        help_text=gettext_lazy('What this kind needs, e.g. {"phrases": ["guaranteed"]}.'),
        widget=forms.Textarea(_SHORT),
    )

    class Meta:
        model = Guardrail
        fields = ("slug", "is_enabled", "kind", "surfaces", "paths", "config", "effect", "tier", "text")

    def clean_config(self) -> Any:
        return self.cleaned_data["config"] or {}

    def clean(self) -> dict[str, Any]:
        """Make the guardrail now rather than when it is published."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        tier = cleaned.get("tier")
        try:
            GuardrailPolicy(
                slug=cleaned.get("slug") or self.instance.pk,
                kind=guardrails.GuardrailKind(cleaned["kind"]),
                surfaces=tuple(cleaned.get("surfaces") or ()),
                paths=tuple(cleaned.get("paths") or ()),
                config=cleaned["config"],
                effect=guardrails.GuardrailEffect(cleaned["effect"]),
                tier=tier.pk if tier else None,
                text=cleaned["text"],
            )
        except GuardrailInvalid as error:
            raise ValidationError(error.problems) from error
        return cleaned


@admin.register(Guardrail)
class GuardrailAdmin(Sluggish):
    form = GuardrailForm
    list_display = ("slug", "kind", "surfaces", "effect", "tier", "is_enabled")
    list_filter = ("is_enabled", "kind", "effect")
    list_select_related = ("tier",)
    search_fields = ("slug", "text")


class RequirementForm(forms.ModelForm[Requirement]):
    class Meta:
        model = Requirement
        fields = ("surface", "tier", "stage", "name", "role", "approvals", "denials")

    def clean(self) -> dict[str, Any]:
        """Warn of what nobody can meet while it is easy to change."""
        cleaned = super().clean() or self.cleaned_data
        role, approvals = cleaned.get("role"), cleaned.get("approvals") or 0
        if role and members().get(role.name, 0) < approvals:
            words = {"role": role.name, "count": members().get(role.name, 0)}
            self.add_error("role", _("%(role)s has %(count)s people who can sign in: too few.") % words)
        return cleaned


@admin.register(Requirement)
class RequirementAdmin(TunedAdmin[Requirement]):
    form = RequirementForm
    list_display = ("surface", "tier", "stage", "name", "role", "approvals", "denials")
    list_filter = (("surface", admin.RelatedOnlyFieldListFilter), "tier", "role")
    list_select_related = ("surface", "tier", "role")
    search_fields = ("surface__slug", "name")


class PolicyTestForm(forms.ModelForm[PolicyTest]):
    facts = StrictJsonField(
        label=gettext_lazy("Facts"),
        help_text=gettext_lazy('Only what matters, e.g. {"surface": "ads.budget", "amount": 20000}.'),
        widget=forms.Textarea(_SHORT),
    )

    class Meta:
        model = PolicyTest
        fields = ("slug", "facts", "outcome", "tier", "deciding")

    def clean_facts(self) -> Any:
        facts = self.cleaned_data["facts"]
        if not isinstance(facts, dict):
            raise ValidationError(_("The facts of a test are an object: { … }."))
        try:
            policy_tests.completed(active_policy(), facts)
        except FactsInvalid as error:
            raise ValidationError(str(error)) from error
        return facts


@admin.register(PolicyTest)
class PolicyTestAdmin(Sluggish):
    form = PolicyTestForm
    list_display = ("slug", "outcome", "tier", "deciding")
    search_fields = ("slug",)
