"""Connectors: how actions are executed. Their secrets go in, and never come out again."""

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.admin.asking import renew_secret, unquoted
from policies.admin.noted_forms import AskingAdmin, NotedForm
from policies.admin.recorded import person_of
from policies.models import Connector
from policies.registry import connectors, signing_secrets

FIELDS = ("slug", "kind", "url", "executor", "timeout_seconds", "is_enabled")


class ConnectorForm(NotedForm[Connector]):
    url = forms.URLField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=200,
        assume_scheme="https",
        help_text=gettext_lazy("Where a webhook is sent."),
        widget=AdminURLFieldWidget,
    )

    class Meta:
        model = Connector
        fields = FIELDS

    def clean_url(self) -> str:
        """Refuse addresses that no webhook could have; where they lead is checked at every delivery."""
        url: str = self.cleaned_data["url"]
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValidationError(_("Enter a whole web address, for example https://hooks.example.com/hitl."))
        if parts.username or parts.password:
            raise ValidationError(_("Leave name and password out of the address; messages are signed instead."))
        if parts.fragment:
            raise ValidationError(_("Leave out what follows the #: it is never sent."))
        return url


@admin.register(Connector)
class ConnectorAdmin(AskingAdmin[Connector]):
    form = ConnectorForm
    list_display = ("slug", "kind", "url", "executor", "is_enabled")
    list_filter = ("kind", "is_enabled")
    list_select_related = ("executor",)
    search_fields = ("slug", "url")

    def has_delete_permission(self, request: HttpRequest, obj: Connector | None = None) -> bool:
        """Never: dispatches refer to it. Disable it instead."""
        return False

    def get_fields(self, request: HttpRequest, obj: Connector | None = None) -> tuple[str, ...]:
        return (*FIELDS, "note", "signing") if obj else FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: Connector | None = None) -> tuple[str, ...]:
        return ("slug", "signing") if obj else ()

    def save_model(self, request: HttpRequest, obj: Connector, form: Any, change: bool) -> None:
        """Save it; but where it goes from now on, a second person has to agree to."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        loosening = connectors.change(connector=obj, by=person_of(request), note=form.cleaned_data["note"])
        if loosening is not None:
            self.tell_asked(request, form, leave_out=[name.removesuffix("_id") for name in loosening.change["to"]])

    @admin.display(description=gettext_lazy("signing secret"))
    def signing(self, row: Connector) -> str:
        count = len(row.secret.split())
        return _("%s set; never shown again") % count if count else _("not set: nothing can ship through it")

    def get_urls(self) -> list[URLPattern]:
        """The action on one connector, before Django's own addresses."""
        view: Any = self.admin_site.admin_view(self.new_secret)
        return [path("<path:object_id>/secret/", view, name="policies_connector_new_secret"), *super().get_urls()]

    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Change the signing secret."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        connector = Connector.objects.filter(pk=unquoted(object_id)).first()
        if connector is None:
            raise Http404
        sentence = _("Messages through %s are then signed with the new secret and, until the next change, the old one.")
        renew = partial(signing_secrets.new_for_connector, connector, by=person_of(request))
        return renew_secret(self, request, connector, sentence=sentence % connector, renew=renew)
