"""Rows that know what is stored of them, so that only what has changed is written."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from django.db import connection, models

_NOTHING: Final = object()


class Statement(NamedTuple):
    """A statement with its parameters, to be sent along."""

    sql: str
    parameters: Sequence[Any]


class StoredRow(models.Model):
    """A row that remembers what it was read as. Lists in it are replaced, never changed in place."""

    _stored: dict[str, Any] | None = None

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Forget what was read before: this writes over it."""
        super().save(*args, **kwargs)
        self._stored = None

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """Remember what was read."""
        row = super().from_db(db, field_names, values, **more)
        vars(row)["_stored"] = dict(zip(field_names, values, strict=True))
        return row

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Remember what is read anew: single fields, where they had been left out."""
        super().refresh_from_db(*args, **kwargs)
        names = kwargs.get("fields")
        if self._stored is None or names is None:
            self._stored = None
        else:
            self._stored |= {name: self.__dict__[name] for name in names if name in self.__dict__}

    def changed_fields(self) -> list[Any]:
        """Return the fields that differ from what is stored; all of them where that is not known."""
        fields = [field for field in self._meta.concrete_fields if not field.primary_key]
        if self._stored is None:
            return fields
        stored = self._stored
        own = self.__dict__  # what is not in it was not read, and so has not changed
        return [field for field in fields if own.get(field.attname, _NOTHING) != stored.get(field.attname, _NOTHING)]

    def guards(self) -> list[tuple[str, Any]]:
        """Return which columns must hold which values for the row to be written."""
        return []

    def remember(self) -> None:
        """Take the row as it is for what is stored, once it has been written."""
        own = self.__dict__
        self._stored = {
            field.attname: own[field.attname] for field in self._meta.concrete_fields if field.attname in own
        }


def assigning(fields: Iterable[Any], row: models.Model) -> tuple[str, list[Any]]:
    """Return the SET clause that writes `fields` of `row`, and its parameters."""
    columns, parameters = [], []
    for field in fields:
        value = field.get_db_prep_save(getattr(row, field.attname), connection)
        place = field.get_placeholder(value, None, connection) if hasattr(field, "get_placeholder") else "%s"
        columns.append(f"{connection.ops.quote_name(field.column)} = {place}")
        parameters.append(value)
    return ", ".join(columns), parameters


def updating(row: StoredRow) -> Statement | None:
    """Return the statement that writes what has changed of `row`, if it is as it was read; None if nothing has."""
    if not (fields := row.changed_fields()):
        return None
    columns, parameters = assigning(fields, row)
    quote = connection.ops.quote_name
    guards = [(str(row._meta.pk.column), row.pk), *row.guards()]
    where = " AND ".join(f"{quote(column)} = %s" for column, _ in guards)
    sql = f"UPDATE {quote(row._meta.db_table)} SET {columns} WHERE {where}"  # noqa: S608
    return Statement(sql, [*parameters, *(value for _, value in guards)])
