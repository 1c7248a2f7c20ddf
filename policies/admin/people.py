"""People and their roles, as Django has them; but every change leaves an entry in the ledger."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from audit.canonical import JsonValue
from policies.accounts import second_factor, sessions
from policies.admin.recorded import RecordedAdmin, person_of

admin.site.unregister((User, Group))

CONFIRMED: Final = "is_confirmed"


@admin.register(User)
class PersonAdmin(RecordedAdmin[User], UserAdmin):  # type: ignore[type-arg, unused-ignore]
    """The entry says what the person may do from then on."""

    actions = ("sign_out_everywhere", "remove_second_factor")

    def facts(self, obj: User) -> dict[str, JsonValue]:
        """Return the roles and the standing of a person; no name, no address."""
        return {
            "roles": [*obj.groups.order_by("name").values_list("name", flat=True)],
            "permissions": [*obj.user_permissions.order_by("codename").values_list("codename", flat=True)],
            "is_active": obj.is_active,
            "is_staff": obj.is_staff,
            "is_superuser": obj.is_superuser,
        }

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer them to superusers only."""
        return super().get_actions(request) if request.user.is_superuser else {}

    @admin.action(description=_("Sign out everywhere"))
    def sign_out_everywhere(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        """End all sessions of the chosen people, once that is confirmed."""
        _require_superuser(request)
        if CONFIRMED not in request.POST:
            title = _("Sign these people out everywhere?")
            advice = _("They are signed out at once, in every browser. Their passwords stay as they are.")
            return _ask(request, chosen, action="sign_out_everywhere", title=title, advice=advice)
        ended = sum(sessions.end_all(person=person, by=person_of(request)) for person in chosen)
        told = ngettext("%d session is ended.", "%d sessions are ended.", ended) % ended
        self.message_user(request, told, messages.SUCCESS)
        return None

    @admin.action(description=_("Remove second factor"))
    def remove_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        """Take away the second factors of the chosen people, once that is confirmed, and sign them out."""
        _require_superuser(request)
        if CONFIRMED not in request.POST:
            advice = _("For people who lost their phone. Be sure who asked: afterwards a password alone lets in.")
            title = _("Remove their second factor?")
            return _ask(request, chosen, action="remove_second_factor", title=title, advice=advice)
        for person in chosen:
            second_factor.remove_all(person=person, by=person_of(request))
            sessions.end_all(person=person, by=person_of(request))
        self.message_user(request, gettext("Removed. They are signed out and may set up a new one."), messages.SUCCESS)
        return None


def _require_superuser(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise PermissionDenied


def _ask(request: HttpRequest, chosen: QuerySet[User], *, action: str, title: Any, advice: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": title,
        "opts": User._meta,
        "advice": advice,
        "chosen": chosen,
        "action": action,
        "confirmed": CONFIRMED,
    }
    return TemplateResponse(request, "policies/people_action.html", context)


@admin.register(Group)
class RoleAdmin(RecordedAdmin[Group], GroupAdmin):
    """The entry says what the role lets its people do from then on."""

    def facts(self, obj: Group) -> dict[str, JsonValue]:
        """Return the name and the permissions of a role."""
        return {
            "name": obj.name,
            "permissions": [*obj.permissions.order_by("codename").values_list("codename", flat=True)],
        }
