"""People of a role that tunes surfaces, as those who are in it say."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

from policies.accounts import tuning
from policies.admin.noted_forms import AskingAdmin, NotedForm
from policies.admin.recorded import person_of


class TeamForm(NotedForm[Group]):
    """The people of a role: who stays, and who is to come."""

    people = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label=_("People"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Untick a name to take that person out of the role, at once."),
    )
    joining = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Add"),
        required=False,
        help_text=_("They are in the role once a second person has agreed."),
    )

    class Meta:
        model = Group
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everybody = User.objects.order_by("username")
        members = everybody.filter(groups=self.instance)
        self.fields["people"].queryset = members  # type: ignore[attr-defined]
        self.fields["people"].initial = members
        candidates = everybody.filter(is_active=True, is_staff=True).exclude(groups=self.instance)
        self.fields["joining"].queryset = candidates  # type: ignore[attr-defined]


class TeamAdmin(AskingAdmin[Group]):
    """Shows people without the rights over roles those of their roles that tune surfaces, with their people."""

    def may_only_staff(self, request: HttpRequest) -> bool:
        """Whether the person lacks the right to change roles."""
        return not super().has_change_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Read all roles for people who may see them, for others their own."""
        rows = super().get_queryset(request)
        return rows if super().has_view_permission(request) else rows.filter(name__in=self._own(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Group | None:
        """Return the role; to people who may not see roles, what is not theirs is not there."""
        row = super().get_object(request, object_id, from_field)
        if row is None and not super().has_view_permission(request):
            raise Http404
        return row

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or bool(self._own(request))

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_view_permission(request, obj) or self._is_own(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) or self._is_own(request, obj)

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Show those who may only say who belongs to it the people, and nothing that the role may do."""
        return ("name", "people", "joining", "note") if self._shows_people(request, obj) else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("name",) if self._shows_people(request, obj) else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Group | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT002  # Django's signature
        if self._shows_people(request, obj):
            kwargs["form"] = TeamForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Save the role itself only where it may have changed."""
        if not isinstance(form, TeamForm):
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Take people out; ask a second person for who is to come."""
        if not isinstance(form, TeamForm):
            super().save_related(request, form, formsets, change)
            return
        data, role = form.cleaned_data, form.instance
        leaving = [*role.user_set.exclude(pk__in=[person.pk for person in data["people"]])]
        by, joining = person_of(request), data["joining"]
        if tuning.change_people(role=role, by=by, leaving=leaving, joining=joining, note=data["note"]):
            self.tell_asked(request, form, leave_out=["joining"])

    def _shows_people(self, request: HttpRequest, obj: Group | None) -> bool:
        return self.may_only_staff(request) and self._is_own(request, obj) and obj is not None

    def _own(self, request: HttpRequest) -> frozenset[str]:
        return tuning.roles_of(person_of(request))

    def _is_own(self, request: HttpRequest, obj: Group | None) -> bool:
        own = self._own(request)
        return bool(own) if obj is None else obj.name in own
