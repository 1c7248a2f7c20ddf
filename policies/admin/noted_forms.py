"""Forms of which a part takes a second person: the rest is saved, and that part is asked for, with a note."""

from collections.abc import Collection
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.accounts import access
from policies.admin.recorded import RecordedAdmin
from policies.publishing.loosenings import LooseningRefused

Row = TypeVar("Row", bound=Model)


class NotedForm(forms.ModelForm[Row]):
    """A form with a line for the person who is to agree."""

    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed where this takes a second person: they read it and have to agree."),
    )


class AskingAdmin(RecordedAdmin[Row]):
    """Saves what one person may change alone; of the rest it says that it was asked for."""

    def _changeform_view(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        """Show refusals of the use case above the form; then nothing was saved."""
        try:
            # Django's own transaction is around this one, and would keep what was saved before.
            with transaction.atomic(), access.gathered():
                return super()._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc, no-any-return]
        except LooseningRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def tell_asked(self, request: HttpRequest, form: Any, *, leave_out: Collection[str]) -> None:
        """Say that part of a form was only asked for, and keep those fields out of the entry of what was changed."""
        # The note is for the second person; the request keeps it.
        form.changed_data = [name for name in form.changed_data if name not in {*leave_out, "note"}]
        request.is_only_asked = not form.changed_data  # type: ignore[attr-defined]
        messages.warning(request, _("Asked. It stays as it was until a second person has agreed."))

    def message_user(
        self,
        request: HttpRequest,
        message: Any,
        level: int | str = messages.INFO,
        extra_tags: str = "",
        fail_silently: bool = False,  # noqa: FBT002  # Django's signature
    ) -> None:
        """Leave out Django's word of success where nothing has changed yet."""
        if level != messages.SUCCESS or not getattr(request, "is_only_asked", False):
            super().message_user(request, message, level, extra_tags, fail_silently)
