"""Statements that Django writes once a process: to build and compile a long one takes longer than to run it."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

MOST_KEPT = 100


def compiled(query: Callable[..., QuerySet[Any]]) -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a queryset that a function of hashable arguments makes. It may depend on nothing else: no clock."""
    statement = statement_of(query)

    def rows(*arguments: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(*statement(*arguments))
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    return rows


def statement_of(query: Callable[..., QuerySet[Any]]) -> Callable[..., tuple[str, tuple[Any, ...]]]:
    """The same as SQL and parameters, for `Model.objects.raw`."""

    @lru_cache(maxsize=MOST_KEPT)
    def statement(*arguments: Any) -> tuple[str, tuple[Any, ...]]:
        text, params = query(*arguments).query.sql_with_params()
        return text, tuple(params)

    return statement


def totals(queryset: QuerySet[Any], aggregates: Iterable[Any]) -> QuerySet[Any]:
    """The aggregates of all rows as one row, of no rows too. `aggregate` would ask at once."""
    named = {f"total_{number}": each for number, each in enumerate(aggregates)}
    found = queryset.order_by().annotate(**named).values_list(*named)
    found.query.group_by = None
    return found
