"""People and their roles, as Django has them; but every change leaves an entry in the ledger."""

from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from audit.canonical import JsonValue
from audit.readonly import ReadOnlyAdmin, pretty
from policies import plain_text
from policies.accounts import rights, roles, second_factor, sessions
from policies.admin.noted_forms import AskingAdmin, NotedForm
from policies.admin.recorded import person_of
from policies.admin.teams import TeamAdmin, TeamForm
from policies.models import AccessChange

admin.site.unregister((User, Group))
# The portal's word for Django's groups. Migrations do not read it here.
Group._meta.verbose_name, Group._meta.verbose_name_plural = _("role"), _("roles")

Row = TypeVar("Row", bound=Model)

CONFIRMED: Final = "is_confirmed"


@admin.register(AccessChange)
class AccessChangeAdmin(ReadOnlyAdmin[AccessChange]):
    """Rights of people and roles before and after each change. Search by user:7, group:3, or a name."""

    list_display = ("at", "name", "changes", "by_name")
    list_filter = ("at",)
    search_fields = ("=subject", "=name", "=by_name")
    search_help_text = _("An account or a role (user:7, group:3), or a name")
    ordering = ("-id",)
    fields = readonly_fields = ("at", "subject", "name", "changes", "earlier", "later", "by_name")

    @admin.display(description=_("changes"))
    def changes(self, row: AccessChange) -> SafeString:
        """Show what was given and what was taken away."""
        return format_html_join("", "<div>{}: {} → {}</div>", differing(row))

    @admin.display(description=_("before"))
    def earlier(self, row: AccessChange) -> SafeString:
        return pretty(row.before)

    @admin.display(description=_("after"))
    def later(self, row: AccessChange) -> SafeString:
        return pretty(row.after)


def differing(row: AccessChange) -> list[tuple[str, str, str]]:
    """Return name, value before and value after of what differs, in words."""
    names = [name for name in {**row.before, **row.after} if row.before.get(name) != row.after.get(name)]
    return [(name, _words(row.before.get(name)), _words(row.after.get(name))) for name in names]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "—"
    return {True: gettext("yes"), False: gettext("no")}.get(value, "—")


class RightsAdmin(AskingAdmin[Row]):
    """What gives more rights waits for a second person; that there is one is never forgotten."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to the history of this account or role, which knows every change and not only those made here."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not request.user.has_perm("policies.view_accesschange"):
            return super().history_view(request, object_id, extra_context)
        address = reverse("admin:policies_accesschange_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode({'q': f'{self.opts.model_name}:{row.pk}'})}")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Remember, before anybody is taken away or given anything, whether there is a second person."""
        by = person_of(request)
        rights.note_second_person(by)
        form.is_alone = rights.is_set_up_alone(by)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remember the same."""
        rights.note_second_person(person_of(request))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remember the same."""
        rights.note_second_person(person_of(request))
        super().delete_queryset(request, queryset)


class PersonForm(NotedForm[User], UserChangeForm):  # type: ignore[type-arg, unused-ignore]
    """Django's form, and a line for the person who is to agree."""


class RoleFilter(admin.RelatedFieldListFilter):
    """Django's groups, under the name that people know."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("role")


@admin.register(User)
class PersonAdmin(RightsAdmin[User], UserAdmin):  # type: ignore[type-arg, unused-ignore]
    """The entry says what the person may do from then on."""

    actions = ("sign_out_everywhere", "remove_second_factor")
    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", RoleFilter))
    form = PersonForm
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("For the second person"), {"fields": ("note",)}))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Call Django's groups roles, as everywhere else."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and field is not None:
            field.label = _("Roles")
            field.help_text = _("What this person may do. A person may hold several roles.")
            field.widget.verbose_name = _("roles")
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Remember what the person could do before."""
        form.rights_before = rights.of(obj) if change else None
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Keep what takes rights away; ask a second person for what gives more."""
        super().save_related(request, form, formsets, change)
        if not change:
            return
        note = form.cleaned_data["note"]
        before, by = form.rights_before, person_of(request)
        loosening = rights.hold_back(person=form.instance, before=before, by=by, note=note, is_alone=form.is_alone)
        if loosening is not None:
            form.instance.refresh_from_db()
            now = rights.of(form.instance)
            same = [name for name in loosening.change["more"] if getattr(now, name) == getattr(before, name)]
            fields = {"roles": "groups", "permissions": "user_permissions"}
            self.tell_asked(request, form, leave_out=[fields.get(name, name) for name in same])

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002  # Django's name
        """Let somebody else's account stand still after that, until a second person lets it in again."""
        response = super().user_change_password(request, id, form_url)
        person = self.get_object(request, unquote(id))
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and person is not None:
            by = person_of(request)
            if rights.close_for_new_password(person=person, by=by) is not None:
                self.log_change(request, person, gettext("Closed after a new password."))
                self.message_user(
                    request, gettext("They can sign in once a second person has agreed."), messages.WARNING
                )
        return response

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
        sentence = ngettext("%d session is ended.", "%d sessions are ended.", ended) % ended
        self.message_user(request, sentence, messages.SUCCESS)
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


class RoleForm(NotedForm[Group]):
    """A role, whose name stays while anything names it, and a line for the person who is to agree."""

    def clean_name(self) -> str:
        """Refuse a new name that reads as another role's, or where proposals, policies or settings say the old one."""
        name: str = self.cleaned_data["name"]
        old = Group.objects.filter(pk=self.instance.pk).values_list("name", flat=True).first()
        if name != old and (other := roles.like(name, beside=self.instance)):
            raise ValidationError(gettext("There is a role %s already, which reads the same.") % other)
        if name != old and name != plain_text.name(plain_text.marked(name)):
            raise ValidationError(
                gettext("Write it plainly: one space between words, and nothing that people do not see.")
            )
        if old is None or name == old:
            return name
        # Under a new name that the policy or a proposal says already, its people would get that role's say.
        if users := roles.named_by(self.instance, name):
            raise ValidationError(
                gettext("%(new)s is named already, by: %(found)s. Choose another name."),
                params={"new": name, "found": "; ".join(users)},
            )
        if users := roles.named_by(self.instance, old):
            raise ValidationError(
                gettext(
                    "%(old)s cannot be renamed, because it is named by: %(found)s. Make a role of the new name, give "
                    "it to the same people, and let whatever can be changed name it instead."
                ),
                params={"old": old, "found": "; ".join(users)},
            )
        return name


@admin.register(Group)
class RoleAdmin(TeamAdmin, RightsAdmin[Group], GroupAdmin):
    """The entry says what the role lets its people do from then on."""

    form = RoleForm
    fields = ("name", "permissions", "note")

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Remember what the role could do before."""
        form.rights_before = rights.role_permissions(obj) if change else []
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Keep what takes permissions away; ask a second person for more. A new role has no people yet."""
        super().save_related(request, form, formsets, change)
        if not change or isinstance(form, TeamForm):
            return
        before, note, by = form.rights_before, form.cleaned_data["note"], person_of(request)
        loosening = rights.hold_back_role(role=form.instance, before=before, by=by, note=note, is_alone=form.is_alone)
        if loosening is not None:
            is_same = rights.role_permissions(form.instance) == before
            self.tell_asked(request, form, leave_out=["permissions"] if is_same else [])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Refuse to delete what is named as text, where no key protects it."""
        deleted, counts, permissions, protected = super().get_deleted_objects(objs, request)
        for role in objs:
            protected += [f"{role}: {one}" for one in roles.named_by(role, role.name)]
        return deleted, counts, permissions, protected

    def facts(self, obj: Group) -> dict[str, JsonValue]:
        """Return the name and the permissions of a role."""
        return {
            "name": obj.name,
            "permissions": [*obj.permissions.order_by("codename").values_list("codename", flat=True)],
        }
