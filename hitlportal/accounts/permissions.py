"""A person's permissions, read once in a request: every page asks, and most ask for little else."""

from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission, User
from django.db.models.expressions import RawSQL

from policies.compiled_queries import CompiledQuery
from policies.stored_functions import StoredFunction

HELD: Final = StoredFunction(
    "hitlportal_held_permissions",
    "the_person integer, OUT held text[]",
    """
    held := ARRAY(
        SELECT kind.app_label || '.' || permission.codename
          FROM auth_permission AS permission JOIN django_content_type AS kind ON kind.id = permission.content_type_id
         WHERE permission.id IN (
            SELECT permission_id FROM auth_user_user_permissions WHERE user_id = the_person
             UNION
            SELECT of_role.permission_id FROM auth_group_permissions AS of_role
              JOIN auth_user_groups AS member ON member.group_id = of_role.group_id WHERE member.user_id = the_person));
    """,
)
"""The permissions that somebody has, directly and by their roles, as `app.codename`."""


_READ: Final = RawSQL("hitlportal_held_permissions(auth_user.id)", [])
_WITH_PERMISSIONS: Final = CompiledQuery(lambda pk: User.objects.annotate(held_permissions=_READ).filter(pk=pk))


class PermissionsAtOnce(ModelBackend):
    """Django's own rules. Who comes with a session is read together with the permissions of theirs and their roles."""

    def get_user(self, user_id: int) -> User | None:
        """Return whom a session belongs to, if they may sign in, with their permissions. One query."""
        person = _WITH_PERMISSIONS.first(pk=user_id)
        if person is None or not self.user_can_authenticate(person):
            return None
        if not person.is_superuser:
            vars(person)["_perm_cache"] = set(vars(person)["held_permissions"])  # where Django itself keeps them
        return person

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions of an active person, directly and by their roles; kept on the object."""
        if obj is not None or not user_obj.is_active or user_obj.is_anonymous or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            columns = ("content_type__app_label", "codename")
            own = Permission.objects.filter(user=user_obj).order_by().values_list(*columns)
            of_roles = Permission.objects.filter(group__user=user_obj).order_by().values_list(*columns)
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in own.union(of_roles)}  # noqa: SLF001
        kept: set[str] = user_obj._perm_cache  # noqa: SLF001  # where Django itself keeps them
        return kept
