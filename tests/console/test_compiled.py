"""Statements that Django writes once."""

from typing import Any

import pytest
from django.db.models import Count, Max, Q, QuerySet

from flags.models import Flag
from ops_console.compiled import compiled, statement_of, totals

pytestmark = pytest.mark.django_db


def test_a_statement_is_written_once_for_its_arguments() -> None:
    """The same arguments build no queryset again; each answer is read from the database."""
    made = []

    @compiled
    def named(text: str) -> QuerySet[Any]:
        made.append(text)
        return Flag.objects.filter(name__icontains=text).order_by("name").values_list("name")

    Flag.objects.create(name="100%_a")
    assert (named("%_"), named("zzz")) == ([("100%_a",)], [])
    Flag.objects.create(name="100%_b")
    assert named("%_") == [("100%_a",), ("100%_b",)]
    assert made == ["%_", "zzz"]


def test_a_statement_reads_models() -> None:
    """As `raw` takes it, with annotations as attributes."""
    Flag.objects.create(name="one", tags=["a"])
    statement = statement_of(lambda: Flag.objects.annotate(number=Count("users")).order_by("pk"))
    (found,) = Flag.objects.raw(*statement())
    assert (found.name, found.tags, found.number) == ("one", ["a"], 0)


def test_totals_of_nothing_are_a_row_too() -> None:
    """One row, whatever the order of the queryset: of no rows too, as `aggregate` answers."""
    found = Flag.objects.order_by("name")
    aggregates = [Count("pk"), Count("pk", filter=Q(everyone=True)), Max("modified")]
    asked = compiled(lambda: totals(found, aggregates))
    assert asked() == [(0, 0, None)]
    Flag.objects.create(name="one", everyone=True)
    last = Flag.objects.create(name="two")
    assert asked() == [(2, 1, last.modified)]
