"""Rules, with the facts beside the condition and a way to try it."""

from dataclasses import fields
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.admin.json_field import StrictJsonField
from policies.admin.recorded import DraftedAdmin, person_of
from policies.admin.tables import rule_trial
from policies.admin.tables.rule_trial import Trial
from policies.engine.policy import TierPolicy, usual_tiers
from policies.facts.vocabulary import ALIASES, FACTS
from policies.models import Rule, Tier
from policies.publishing.drafts import members
from policies.publishing.snapshot import MATCH
from policies.publishing.validation import requirement_faults
from policies.rules.rule import RuleInvalid, compile_rule

EXAMPLES = (
    ("amount > 10000", gettext_lazy("Over $10,000.")),
    (
        "amount > 0.1 * params.weekly_budget",
        gettext_lazy("Over a tenth of the weekly budget, a parameter of the surface."),
    ),
    ("confidence < 0.8 && audience_size > 1000", gettext_lazy("Unsure, and it reaches many.")),
    ("'do_not_email' in tags", gettext_lazy("The person opted out.")),
    ("weekday in ['sat', 'sun'] || hour >= 18", gettext_lazy("Outside office hours.")),
    ("payload.subject.matches('(?i)last chance')", gettext_lazy("What the payload says.")),
    ("limits['weekly-spend'].share > 0.8", gettext_lazy("80 % of a limit is used up.")),
)


class RuleForm(forms.ModelForm[Rule]):
    requirements = StrictJsonField(
        label=gettext_lazy("Whose approvals"),
        required=False,
        help_text=gettext_lazy(
            'Instead of the usual: [{"stage": 1, "name": "money", "role": "Finance", "approvals": 1, "denials": 1}].'
        ),
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField json", "spellcheck": "false"}),
    )

    class Meta:
        model = Rule
        fields = ("slug", "is_enabled", *MATCH, "condition", "decision", "tier", "requirements", "reason")
        widgets = {
            **{name: forms.TextInput({"class": "vTextField"}) for name in MATCH},
            "condition": forms.Textarea({"rows": 3, "class": "vLargeTextField json", "spellcheck": "false"}),
            "reason": forms.TextInput({"class": "vTextField wide"}),
        }

    is_trial = False

    def is_valid(self) -> bool:
        """What is only tried is never saved, and so never valid."""
        return super().is_valid() and not self.is_trial

    def clean_requirements(self) -> Any:
        rows = self.cleaned_data["requirements"]
        if not rows:
            return None
        if faults := [*requirement_faults(rows, members())]:
            raise ValidationError(faults)
        return rows

    def clean(self) -> dict[str, Any]:
        """Compile the rule now rather than when it is published."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            tiers = _tiers()
            compile_rule(cleaned.get("slug") or self.instance.pk, self.row(), tiers, usual_tiers(tiers))
        except RuleInvalid as error:
            self.add_error(error.field if error.field in self.fields else None, _placed(error))
        return cleaned

    def row(self) -> dict[str, Any]:
        """Return the rule as the document would have it."""
        cleaned = self.cleaned_data
        tier = cleaned.get("tier")
        return {
            **{name: cleaned.get(name) or [] for name in MATCH},
            "condition": (cleaned.get("condition") or "").strip(),
            "decision": cleaned.get("decision") or "",
            "tier": tier.pk if tier else None,
            "requirements": cleaned.get("requirements"),
            "reason": cleaned.get("reason") or "",
        }


def _placed(error: RuleInvalid) -> str:
    if error.cause is None:
        return error.message
    words = {"line": error.cause.line, "column": error.cause.column, "message": error.message}
    return _("Line %(line)s, column %(column)s: %(message)s") % words


def _tiers() -> dict[str, TierPolicy]:
    names = [field.name for field in fields(TierPolicy) if field.name != "slug"]
    return {
        tier.pk: TierPolicy(slug=tier.pk, **{name: getattr(tier, name) for name in names})
        for tier in Tier.objects.all()
    }


@admin.register(Rule)
class RuleAdmin(DraftedAdmin[Rule]):
    form = RuleForm
    change_form_template = "admin/policies/rule/change_form.html"
    list_display = ("slug", "decision", "tier", "condition", "surfaces", "is_enabled")
    list_filter = ("is_enabled", "decision", "tier")
    list_select_related = ("tier",)
    search_fields = ("slug", "condition", "reason")
    fieldsets = (
        (None, {"fields": ("slug", "is_enabled")}),
        (
            gettext_lazy("Which proposals"),
            {
                "fields": ("surfaces", "actions", "topics", "agents", "any_tags", "all_tags"),
                "description": gettext_lazy("Separated by commas. All of it has to match, and the condition to hold."),
            },
        ),
        (gettext_lazy("If"), {"fields": ("condition",)}),
        (gettext_lazy("Then"), {"fields": ("decision", "tier", "requirements", "reason")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def get_form(  # Django names the argument and passes it by place
        self,
        request: HttpRequest,
        obj: Rule | None = None,
        change: bool = False,  # noqa: FBT002
        **kwargs: Any,
    ) -> Any:
        """With the button “Try” nothing is saved: the form comes back with an answer."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("TrialForm", (form,), {"is_trial": True}) if "_try" in request.POST else form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **words: Any) -> Any:
        """Add the facts, examples, and what came of a try."""
        context |= {
            "facts": [(name, fact) for name, fact in FACTS.items() if name not in ALIASES],
            "examples": EXAMPLES,
            "recent": rule_trial.recent(person_of(request)),
            "chosen": request.POST.get("_proposal", ""),
            "trial": _trial(request, context["adminform"].form),
        }
        return super().render_change_form(request, context, *args, **words)


def _trial(request: HttpRequest, form: Any) -> Trial | None:
    if not getattr(form, "is_trial", False) or form.errors:
        return None
    chosen = request.POST.get("_proposal", "")
    return rule_trial.try_rule(form.row(), slug=form.instance.pk or "", proposal=chosen, by=person_of(request))
