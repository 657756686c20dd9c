"""Taking a change back: a new change, refused where somebody has built on the old one."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from flags import segment_services, services
from flags.models import Flag, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.audit.revert import can_revert, revert
from ops_console.errors import Conflict, InvalidInput, NotAllowed
from tests.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"percent": Decimal(5), "on_at": timezone.now()}, State.RULES)


def last() -> Entry:
    return Entry.objects.latest("id")


CHANGES: dict[str, Callable[[int], Any]] = {
    "state": lambda pk: services.set_state(actor(), pk, State.ON),
    "percent": lambda pk: services.edit(actor(), pk, {"percent": Decimal("12.5")}, 1),
    "rules": lambda pk: services.edit(actor(), pk, {"rules": [{"percent": 3}], "variants": []}, 1),
    "schedule": lambda pk: services.edit(actor(), pk, {"on_at": None, "off_at": timezone.now()}, 1),
    "archived": lambda pk: services.archive(actor(), pk),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_taken_back(flag: Flag, change: str) -> None:
    """What the entry changed is as it was, in a new entry; what it did not change stays."""
    before = services.recorded(Flag.objects.get(pk=flag.pk))
    CHANGES[change](flag.pk)
    entry = last()
    revert(actor(), entry.pk, "it hurt")
    after = services.recorded(Flag.objects.get(pk=flag.pk))
    assert after | {"on_at": None} == before | {"on_at": None}
    assert abs((after["on_at"] - before["on_at"]).total_seconds()) <= 0.001, "entries keep milliseconds"
    assert (last().action, last().reason) == ("flag.revert", "it hurt")


def test_a_later_change_of_the_same_field_stands_in_the_way(flag: Flag) -> None:
    """The refusal carries what stands now and what it would have become."""
    services.edit(actor(), flag.pk, {"percent": 10}, 1)
    entry = last()
    services.edit(actor(), flag.pk, {"percent": 20}, 2)
    with pytest.raises(Conflict) as raised:
        revert(actor(), entry.pk)
    assert (raised.value.current, raised.value.submitted) == ({"percent": "20.00"}, {"percent": "5.00"})


def test_what_is_as_before_already_is_no_conflict(flag: Flag) -> None:
    """After Undo nothing is left to revert: it says so, and shows no two versions that are the same."""
    services.edit(actor(), flag.pk, {"percent": 10}, 1)
    entry = last()
    services.edit(actor(), flag.pk, {"percent": 5}, 2)
    with pytest.raises(InvalidInput, match="Nothing to revert"):
        revert(actor(), entry.pk)


def test_a_later_change_of_another_field_does_not(flag: Flag) -> None:
    """A percentage can be taken back after somebody has changed the note, and the note stays."""
    services.edit(actor(), flag.pk, {"percent": 10}, 1)
    entry = last()
    services.edit(actor(), flag.pk, {"note": "newer"}, 2)
    revert(actor(), entry.pk)
    flag.refresh_from_db()
    assert (flag.percent, flag.note) == (5, "newer")


@pytest.mark.django_db(transaction=True)
def test_what_sql_changed_is_taken_back(flag: Flag) -> None:
    """An entry of the database's own trigger is a change as any other."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.flags_flag SET percent = 99, modified = now() WHERE id = %s", [flag.pk])
    assert last().source == "trigger"
    revert(actor(), last().pk)
    flag.refresh_from_db()
    assert flag.percent == 5


def test_what_made_a_thing_is_not_taken_back(flag: Flag) -> None:
    """A creation is no change of something that was there before."""
    assert not can_revert(last())
    with pytest.raises(InvalidInput, match="cannot be taken back"):
        revert(actor(), last().pk)


def test_a_viewer_takes_nothing_back(flag: Flag) -> None:
    """The way back asks for the same role as the way there."""
    services.set_state(actor(), flag.pk, State.OFF)
    with pytest.raises(NotAllowed):
        revert(actor(Role.VIEWER), last().pk)


def test_a_protected_flag_asks_here_too(flag: Flag) -> None:
    """A revert is a change: it is confirmed as one."""
    services.edit(actor(), flag.pk, {"protected": True}, 1)
    services.edit(actor(), flag.pk, {"percent": 1}, 2, "why", "player")
    with pytest.raises(InvalidInput, match="protected"):
        revert(actor(), last().pk)
    revert(actor(), last().pk, "wrong number", "player")


def test_a_segment_is_taken_back() -> None:
    """Segments know the same way."""
    segment = segment_services.create_segment(actor(), "pros", {"note": "first"})
    segment_services.edit_segment(actor(), segment.pk, {"note": "second"}, 1)
    revert(actor(), last().pk)
    segment.refresh_from_db()
    assert (segment.note, segment.version) == ("first", 3)
