"""Queries whose SQL is worked out once.

Django builds and compiles a query anew each time it is asked. For the reads of every decision and every shipment that
takes it several times as long as to send the statement and to make objects of the answer.
"""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from inspect import signature
from types import SimpleNamespace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row", bound=Model)


class _Parameter(NamedTuple):
    """Stands for a value in the parameters of a statement."""

    name: str


class _Compiled(NamedTuple):
    compiler: Any
    sql: str
    parameters: tuple[Any, ...]
    converters: Mapping[int, Any]
    """What turns columns, by their places, into Python's types."""


class CompiledQuery(Generic[Row]):
    """A queryset of model instances that is compiled when it is first asked, and asked again with other values.

    `build` gets an expression for each of its parameters and returns the queryset; it is called once in a process.
    What the queryset depends on besides must not change.
    """

    def __init__(self, build: Callable[..., QuerySet[Row]]) -> None:
        self._build: Final = build

    @cached_property
    def _compiled(self) -> _Compiled:
        names = signature(self._build).parameters
        queryset = self._build(**{name: RawSQL("%s", [_Parameter(name)]) for name in names})
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([expression for expression, *_ in compiler.select])
        return _Compiled(compiler, sql, tuple(parameters), converters)

    def all(self, **values: object) -> list[Row]:
        """Return the rows for these values, as the queryset would."""
        compiled, connection = self._compiled, connections[DEFAULT_DB_ALIAS]
        # Django asks this when it compiles.
        if compiled.compiler.query.select_for_update and connection.get_autocommit():
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        run = copy(compiled.compiler)
        run.connection = connection
        filled = tuple(values[one.name] if isinstance(one, _Parameter) else one for one in compiled.parameters)
        run.as_sql = lambda *_, **__: (compiled.sql, filled)
        run.get_converters = lambda _: compiled.converters
        query = SimpleNamespace(get_compiler=lambda **_: run)
        queryset: Any = SimpleNamespace(db=DEFAULT_DB_ALIAS, query=query, _known_related_objects={})
        return list(ModelIterable(queryset))

    def first(self, **values: object) -> Row | None:
        """Return the first row, or None where there is none."""
        return next(iter(self.all(**values)), None)

    def get(self, **values: object) -> Row:
        """Return the one row there is. Raises the model's DoesNotExist."""
        if (row := self.first(**values)) is None:
            raise self._compiled.compiler.query.model.DoesNotExist
        return row
