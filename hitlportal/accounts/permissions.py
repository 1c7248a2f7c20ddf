"""What a person may do, asked of the database once in a request: every page asks, and most ask for little else."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class PermissionsAtOnce(ModelBackend):
    """Django's own rules. It reads the permissions of a person and of their roles in one query instead of two."""

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
