"""The page on which people say that they are away, and who decides for them; superusers do it for others too."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.review.actions import person_of
from approvals.errors import AbsenceRefused
from approvals.models import Absence
from approvals.people import absences
from approvals.people.eligibility import DECIDE
from policies.models import Surface

Frame = Mapping[str, Any]
NAME: Final = "absence"


class _Moment(forms.DateTimeField):
    """A day and time as browsers pick them, in the reader's time zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class AbsenceForm(forms.Form):
    """Ask for an absence: the person, its first and last day, and the stand-in with what they decide on."""

    person = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Who is away"))
    begins_at = _Moment(label=gettext_lazy("From"))
    ends_at = _Moment(label=gettext_lazy("Until"))
    delegate = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Who decides in the meantime"),
        required=False,
        empty_label=gettext_lazy("No one in particular"),
        help_text=gettext_lazy("They can decide only where you could. Each decision names you both."),
    )
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Only in these roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Tick none for all roles."),
    )
    surfaces = forms.MultipleChoiceField(
        label=gettext_lazy("Only on these surfaces"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Tick none for all surfaces."),
    )

    def __init__(self, *args: Any, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        active = User.objects.filter(is_active=True, is_staff=True).order_by("username")
        people, delegates = self.fields["person"], self.fields["delegate"]
        assert isinstance(people, forms.ModelChoiceField) and isinstance(delegates, forms.ModelChoiceField)
        people.queryset = active if viewer.is_superuser else active.filter(pk=viewer.pk)
        people.initial = viewer.pk
        if not viewer.is_superuser:
            people.widget = forms.HiddenInput()
        delegates.queryset = active if viewer.is_superuser else active.exclude(pk=viewer.pk)
        held = Group.objects.all() if viewer.is_superuser else viewer.groups.all()
        self._choose("roles", held.order_by("name").values_list("name", flat=True))
        self._choose("surfaces", Surface.objects.order_by("slug").values_list("slug", flat=True))

    def _choose(self, name: str, values: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(value, value) for value in values]


def is_for(person: User) -> bool:
    """Whether the page is for them: only who decides needs somebody to stand in."""
    return person.is_superuser or person.has_perm(DECIDE)


def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show absences that are not over and the form (GET); note or end one (POST)."""
    viewer = person_of(request)
    if not is_for(viewer):
        raise PermissionDenied
    act: Callable[..., HttpResponse] = {"end": _end}.get(request.POST.get("do", ""), _note)
    if request.method == "POST":
        return act(request, frame, viewer)
    return _show(request, frame, viewer, AbsenceForm(viewer=viewer))


def _note(request: HttpRequest, frame: Frame, viewer: User) -> HttpResponse:
    form = AbsenceForm(request.POST, viewer=viewer)
    if form.is_valid():
        try:
            absence = absences.take(by=viewer, **form.cleaned_data)
        except AbsenceRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, _("Saved: %s.") % absence)
            for text in absences.warnings(absence):
                messages.warning(request, text)
            return _back()
    return _show(request, frame, viewer, form)


def _end(request: HttpRequest, frame: Frame, viewer: User) -> HttpResponse:
    number = request.POST.get("absence", "")
    if not (number.isdecimal() and len(number) < 19):
        raise Http404
    try:
        absences.end(absence_id=int(number), by=viewer)
    except Absence.DoesNotExist as error:
        raise Http404 from error
    except AbsenceRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Ended. Each person decides for themselves again."))
    return _back()


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:{NAME}"))


def _show(request: HttpRequest, frame: Frame, viewer: User, form: AbsenceForm) -> HttpResponse:
    coming = absences.coming().order_by("begins_at")
    own = coming if viewer.is_superuser else coming.filter(person=viewer)
    context = {
        **frame,
        "title": _("Absence"),
        "is_nav_sidebar_enabled": False,
        "form": form,
        "absences": list(own[:200]),
        "stands_in": list(coming.filter(delegate=viewer)[:50]),
        "sees_others": viewer.is_superuser,
    }
    return TemplateResponse(request, "approvals/absence.html", context)
