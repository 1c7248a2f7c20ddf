"""Tables of which people without the rights over them reach what belongs to the surfaces that they tune."""

from typing import Any, TypeVar

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.http import Http404, HttpRequest

from policies.accounts import tuning
from policies.admin.recorded import DraftedAdmin, person_of
from policies.models import Surface

Row = TypeVar("Row", bound=Model)


class TunedAdmin(DraftedAdmin[Row]):
    """Rights over the table say all, as everywhere; besides, people reach rows of surfaces that their roles tune."""

    surface_field = "surface"

    def tuned(self, request: HttpRequest) -> frozenset[str]:
        """Return the surfaces that the person may tune, asked once in a request."""
        surfaces: frozenset[str] | None = getattr(request, "tuned_surfaces", None)
        if surfaces is None:
            surfaces = tuning.surfaces_of(person_of(request))
            setattr(request, "tuned_surfaces", surfaces)  # noqa: B010  # a request takes any
        return surfaces

    def may_only_tune(self, request: HttpRequest) -> bool:
        """Whether the person lacks the right to change the table."""
        return not super().has_change_permission(request)

    def rows_of(self, rows: QuerySet[Row], surfaces: frozenset[str]) -> QuerySet[Row]:
        """Return the rows that belong to `surfaces` and to no other."""
        return rows.filter(**{f"{self.surface_field}__in": surfaces})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """Read all rows for people who may see the table, for others those of their surfaces."""
        rows = super().get_queryset(request)
        return rows if super().has_view_permission(request) else self.rows_of(rows, self.tuned(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Row | None:
        """Return the row; to people who may not see the table, what is not theirs is not there."""
        row = super().get_object(request, object_id, from_field)
        if row is None and not super().has_view_permission(request):
            raise Http404
        return row

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self._is_tuned(request)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return super().has_view_permission(request, obj) or self._is_tuned(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) or self._is_tuned(request)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return super().has_change_permission(request, obj) or self._is_tuned(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return super().has_delete_permission(request, obj) or self._is_tuned(request, obj)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer people who may only tune their own surfaces, so that no row goes to another."""
        if db_field.name == self.surface_field and self.may_only_tune(request):
            kwargs["queryset"] = Surface.objects.filter(pk__in=self.tuned(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer people who may only tune no way to rows that a field names: most of these are closed to them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper) and self.may_only_tune(request):
            field.widget = field.widget.widget
        return field

    def _is_tuned(self, request: HttpRequest, obj: Row | None = None) -> bool:
        surfaces = self.tuned(request)
        if obj is None or not surfaces:
            return bool(surfaces)
        rows: QuerySet[Row] = self.model._default_manager.filter(pk=obj.pk)  # noqa: SLF001  # Django's documented interface
        return self.rows_of(rows, surfaces).exists()
