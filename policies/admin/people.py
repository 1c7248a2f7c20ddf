"""People and their roles, as Django has them; but every change leaves an entry in the ledger."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from audit.canonical import JsonValue
from policies.admin.recorded import RecordedAdmin

admin.site.unregister((User, Group))


@admin.register(User)
class PersonAdmin(RecordedAdmin[User], UserAdmin):  # type: ignore[type-arg, unused-ignore]
    """The entry says what the person may do from then on."""

    def facts(self, obj: User) -> dict[str, JsonValue]:
        """Return the roles and the standing of a person; no name, no address."""
        return {
            "roles": [*obj.groups.order_by("name").values_list("name", flat=True)],
            "permissions": [*obj.user_permissions.order_by("codename").values_list("codename", flat=True)],
            "is_active": obj.is_active,
            "is_staff": obj.is_staff,
            "is_superuser": obj.is_superuser,
        }


@admin.register(Group)
class RoleAdmin(RecordedAdmin[Group], GroupAdmin):
    """The entry says what the role lets its people do from then on."""

    def facts(self, obj: Group) -> dict[str, JsonValue]:
        """Return the name and the permissions of a role."""
        return {
            "name": obj.name,
            "permissions": [*obj.permissions.order_by("codename").values_list("codename", flat=True)],
        }
