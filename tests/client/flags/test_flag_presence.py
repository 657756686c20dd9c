"""Noting who was seen, and telling the database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from enum import Enum
from typing import Any

import pytest
from hypothesis import given

from ops_client import OpsClient
from ops_client.errors import StoreUnavailable
from ops_client.flags import presence as seeing
from ops_client.flags.presence import KEPT_SECONDS, Presence, attributes_of
from ops_client.testing import FakeClock, MemoryStore
from tests.client.flags.strategies import FIELDS, odd_contexts

COUNTRY = {"name": "player", "rules": [{"constraints": [{"field": "country", "operator": "IN", "values": ["DE"]}]}]}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"flags": [COUNTRY]})


@pytest.fixture
def ops(store: MemoryStore):
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=None) as client:
        client.flags._send_presence()  # by now the client knows which fields rules read
        yield client


def seen(store: MemoryStore) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, params in list(store.executed):
        if name == "note_flag_presence":
            found |= {row["user_id"]: row["attributes"] for row in params["seen"]}
    return found


def test_fields_that_rules_read_are_kept(ops: OpsClient, store: MemoryStore) -> None:
    """Of a context, the tier and what rules read are kept, and nothing else."""
    ops.flags.is_enabled("player", {"user_id": 7, "tier": "pro", "country": "DE", "mail": "a@example.org"})
    ops.flags._send_presence()
    assert seen(store) == {"7": {"tier": "pro", "country": "DE"}}


def test_a_fuller_context_is_added(ops: OpsClient, store: MemoryStore) -> None:
    """A user who was first asked about with little is known as well as the fullest context knows them."""
    ops.flags.is_enabled("player", {"user_id": "7"})
    ops.flags.is_enabled("player", {"user_id": "7", "country": "DE"})
    ops.flags.is_enabled("player", {"user_id": "7", "tier": "pro"})
    ops.flags._send_presence()
    assert seen(store)["7"]["country"] == "DE"


@pytest.mark.parametrize("about", [None, {}, {"tier": "pro"}, {"user_id": None}, {"user_id": ""}, 7, "text"])
def test_nobody_is_not_noted(ops: OpsClient, store: MemoryStore, about: Any) -> None:
    """Without a user there is nobody to note."""
    ops.flags.is_enabled("player", about)
    ops.flags._send_presence()
    assert seen(store) == {}


def test_users_are_bounded(ops: OpsClient, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many users a minute nobody is noted, and that is counted; the next minute starts afresh."""
    monkeypatch.setattr(seeing, "MOST_USERS", 3)
    for number in range(5):
        ops.flags.is_enabled("player", {"user_id": str(number)})
    ops.flags._send_presence()
    assert set(seen(store)) == {"0", "1", "2"}
    assert ops.flags.dropped()["flag_presence"] == 2
    ops.flags.is_enabled("player", {"user_id": "4"})
    ops.flags._send_presence()
    assert "4" in seen(store)


def test_an_outage_keeps_them_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who could not be written is written later, as far as there is room; after an hour they are given up."""
    monkeypatch.setattr(seeing, "MOST_USERS", 3)
    clock, store = FakeClock(), MemoryStore()
    presence = Presence(clock)
    note(presence, "a", "b")
    store.away = True
    with pytest.raises(StoreUnavailable):
        presence.send(store, "test")
    note(presence, "b", "c")
    store.away = False
    presence.send(store, "test")
    assert set(seen(store)) == {"a", "b", "c"}
    store.away = True
    note(presence, "d", "e")
    clock.advance(KEPT_SECONDS)
    with pytest.raises(StoreUnavailable):
        presence.send(store, "test")
    assert presence.dropped == 2


def test_older_sightings_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """In an outage with more users than are kept, the newest stay and the rest is counted."""
    monkeypatch.setattr(seeing, "MOST_USERS", 2)
    store = InterruptedStore()
    presence = Presence(FakeClock())
    note(presence, "a", "b")
    store.meanwhile = lambda: note(presence, "c")
    with pytest.raises(StoreUnavailable):
        presence.send(store, "test")
    assert (len(presence.sightings.attributes), presence.dropped) == (2, 1)
    assert "c" in presence.sightings.attributes


def test_many_users_are_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement holds more users than one batch."""
    monkeypatch.setattr(seeing, "ROWS_AT_ONCE", 2)
    store, presence = MemoryStore(), Presence(FakeClock())
    note(presence, *"abcde")
    presence.send(store, "test")
    assert [len(params["seen"]) for _, params in store.executed] == [2, 2, 1]


def test_threads_note_everybody(ops: OpsClient, store: MemoryStore) -> None:
    """Users whom several threads ask about at once are all noted."""

    def ask(first: int) -> None:
        for number in range(first, first + 1_000):
            ops.flags.is_enabled("player", {"user_id": str(number)})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(0, 4_000, 1_000)))
    ops.flags._send_presence()
    assert len(seen(store)) == 4_000


class Tier(Enum):
    PRO = "pro"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, True),
        (7, 7),
        (Tier.PRO, "pro"),
        (date(2026, 1, 2), "2026-01-02"),
        (["a", "b"], ["a", "b"]),
        (float("nan"), "nan"),
        (2**60, str(2**60)),
        ("nul \0", "nul �"),
    ],
)
def test_values_are_kept_as_rules_compare_them(value: Any, kept: Any) -> None:
    """A value is kept so that a rule gives the same answer to it."""
    assert attributes_of({"field": value}, ["field"]) == {"field": kept}


@pytest.mark.parametrize("value", [None, "x" * 201, 10**400])
def test_values_that_cannot_be_kept_are_left_out(value: Any) -> None:
    """What is too long is left out rather than cut."""
    assert attributes_of({"field": value}, ["field"]) == {}


@given(odd_contexts)
def test_whatever_a_context_holds_can_be_written(context: Any) -> None:
    """Noting never keeps what PostgreSQL or JSON would refuse."""
    presence = Presence(FakeClock())
    presence.read_fields(FIELDS)
    with suppress(RuntimeError, TypeError):  # what the context holds raised it; `is_enabled` takes no notice
        presence.note({"user_id": "1", **context})
    store = MemoryStore()
    presence.send(store, "test")
    assert_plain([params["seen"] for _, params in store.executed])


def assert_plain(value: Any) -> None:
    if isinstance(value, dict):
        assert_plain([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for each in value:
            assert_plain(each)
    elif isinstance(value, str):
        value.encode()
        assert "\0" not in value
    else:
        assert isinstance(value, bool | int | float)
        assert abs(value) < 2**53


def note(presence: Presence, *users: str) -> None:
    for user in users:
        presence.note({"user_id": user})


class InterruptedStore(MemoryStore):
    """Goes away in the middle of a statement, during which something else happens."""

    def execute(self, name: str, **params: Any) -> int:
        self.meanwhile()
        self.away = True
        return super().execute(name, **params)
