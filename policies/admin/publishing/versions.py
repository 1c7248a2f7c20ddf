"""Kill switches, policy versions and activations, to look at."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.readonly import ReadOnlyAdmin, pretty
from policies.models import Activation, KillSwitch, PolicyVersion


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin[KillSwitch]):
    """The list; engaging and releasing have their own pages."""

    list_display = ("scope", "standing", "reason", "engaged_by_name", "engaged_at", "next_step")
    list_filter = ("is_engaged",)
    search_fields = ("scope",)
    ordering = ("-is_engaged", "scope")
    fields = readonly_fields = ("scope", "standing", "reason", "engaged_by_name", "engaged_at", "next_step")

    @admin.display(description=gettext_lazy("standing"), ordering="is_engaged")
    def standing(self, row: KillSwitch) -> SafeString | str:
        return format_html('<span class="badge is-engaged">{}</span>', _("Stopped")) if row.is_engaged else _("ships")

    @admin.display(description=gettext_lazy("next step"))
    def next_step(self, row: KillSwitch) -> SafeString:
        if row.is_engaged:
            return format_html(
                '<a href="{}">{}</a>', reverse("admin:switches_release", args=[row.scope]), _("Release…")
            )
        return format_html('<a href="{}?scope={}">{}</a>', reverse("admin:switches_engage"), row.scope, _("Stop…"))


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin[PolicyVersion]):
    list_display = ("number", "created_at", "written_by", "asked_by", "agreed_by", "short_digest")
    fields = readonly_fields = ("number", "digest", "created_at", "written_by", "asked_by", "agreed_by", "text")

    @admin.display(description=gettext_lazy("digest"))
    def short_digest(self, row: PolicyVersion) -> str:
        return f"{row.digest[:19]}…"

    @admin.display(description=gettext_lazy("document"))
    def text(self, row: PolicyVersion) -> SafeString:
        return pretty(row.document)


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin[Activation]):
    list_display = ("at", "version", "by")
    list_select_related = ("version", "by")
    fields = readonly_fields = ("version", "at", "by")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("policies.view_activation")
