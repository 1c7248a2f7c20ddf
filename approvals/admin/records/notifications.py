"""Notification rules, outside services, and the delivery state of notices."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.records import dispatches
from approvals.messaging.apprise import addresses, transport
from approvals.messaging.apprise.channel import AppriseChannel
from approvals.models import ChannelHealth, NoticeDelivery, NoticeKind, NoticeRule, OutsideAddress
from approvals.notices import channels
from audit.readonly import ReadOnlyAdmin
from policies.admin.recorded import RecordedAdmin


@admin.register(NoticeRule)
class NoticeRuleAdmin(RecordedAdmin[NoticeRule]):
    """Where who is told differs from what is usual. Without rows, everything is as usual."""

    list_display = ("kind", "surface", "role", "is_told")
    list_filter = ("kind", "is_told")
    list_select_related = ("surface", "role")


class AddressForm(forms.ModelForm[OutsideAddress]):
    """The address goes in and never comes out again."""

    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "off", "size": 60}),
        help_text=gettext_lazy("As Apprise writes it, for example workflows://… It is stored encrypted."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Of what it is told"),
        choices=NoticeKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Tick none for everything."),
    )

    class Meta:
        model = OutsideAddress
        fields = ("name", "kinds", "surfaces", "is_enabled")
        widgets = {"surfaces": forms.CheckboxSelectMultiple}
        help_texts = {"surfaces": gettext_lazy("Tick none for all surfaces.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["address"].required = False
            self.fields["address"].help_text = _("Set, and never shown again. Leave it empty to keep it.")

    def clean_address(self) -> str:
        """Refuse addresses of services that are not on the list, and incomplete ones."""
        url: str = self.cleaned_data["address"]
        if not url:
            return url
        try:
            addresses.check(url)
        except addresses.AddressRefused as refused:
            raise ValidationError(str(refused)) from refused
        if not transport.is_complete(url):
            raise ValidationError(_("Something is missing in this address. Compare it with Apprise's description."))
        return url

    def save(self, commit: bool = True) -> OutsideAddress:  # noqa: FBT002  # Django's signature
        """Put the address into its encrypted field, where a new one was given."""
        if self.cleaned_data["address"]:
            self.instance.url = self.cleaned_data["address"]
        return super().save(commit)


@admin.register(OutsideAddress)
class OutsideAddressAdmin(RecordedAdmin[OutsideAddress]):
    form = AddressForm
    list_display = ("name", "service", "is_enabled")
    list_filter = ("is_enabled",)
    fields = ("name", "address", "kinds", "surfaces", "is_enabled")

    @admin.display(description=gettext_lazy("service"))
    def service(self, row: OutsideAddress) -> str:
        try:
            return addresses.check(row.url)
        except addresses.AddressRefused:
            return _("not allowed any more")


class ChannelFilter(admin.SimpleListFilter):
    """The channels that there are."""

    title = gettext_lazy("channel")
    parameter_name = "channel__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(channel.slug, str(channel.label)) for channel in channels.sending()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(channel=value) if value else queryset


@admin.register(NoticeDelivery)
class NoticeDeliveryAdmin(dispatches.OfProposalAdmin[NoticeDelivery]):
    """What leaves through channels. The dead letters are those that were given up."""

    list_display = (
        "proposal_link", "badge", "kind", "through", "to", "attempts_made", "next_attempt_at", "delivered_at",
        "last_error",
    )  # fmt: skip
    list_display_links = ("badge",)
    list_filter = (dispatches.LettersFilter, ChannelFilter, "status", "kind")
    fields = (
        "proposal_link", "status", "kind", "through", "to", "is_gathered", "attempts_made", "next_attempt_at",
        "last_error", "created_at", "delivered_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[NoticeDelivery]:
        return super().get_queryset(request).select_related("person", "address")

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def badge(self, row: Any) -> SafeString:
        return format_html('<span class="badge dispatch-{}">{}</span>', row.status, row.get_status_display())

    @admin.display(description=gettext_lazy("channel"), ordering="channel")
    def through(self, row: NoticeDelivery) -> str:
        return channels.label(row.channel)

    @admin.display(description=gettext_lazy("to"))
    def to(self, row: NoticeDelivery) -> str:
        return str(row.person or row.address)


@admin.register(ChannelHealth)
class ChannelHealthAdmin(ReadOnlyAdmin[ChannelHealth]):
    list_display = ("channel", "failures", "next_try_at", "last_error", "last_sent_at")
    ordering = ("lane",)
    fields = readonly_fields = ("channel", "failures", "next_try_at", "last_error", "last_sent_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChannelHealth]:
        """Read with each channel the name of its address, if it is one."""
        lane = Concat(Value(f"{AppriseChannel.slug}:"), Cast("pk", CharField()))
        named = OutsideAddress.objects.annotate(lane=lane).filter(lane=OuterRef("lane"))
        return super().get_queryset(request).annotate(address=Subquery(named.values("name")))

    @admin.display(description=gettext_lazy("channel"), ordering="lane")
    def channel(self, row: Any) -> str:
        """Name it as people do: an address by its name, which its lane has only as a number."""
        kind, _colon, number = row.lane.partition(":")
        label = channels.label(kind)
        return f"{label}: {row.address or _('deleted')}" if number else label
