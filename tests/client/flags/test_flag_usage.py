"""Counting answers in memory, and sending them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ops_client import OpsClient
from ops_client.errors import StoreUnavailable
from ops_client.flags import usage as counting
from ops_client.flags.usage import KEPT_SECONDS, MOST_UNDEFINED, OTHERS, Usage
from ops_client.testing import FakeClock, MemoryStore

PLAYER = {"name": "player", "percent": 50, "variants": [{"name": "red", "weight": 1}]}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"flags": [PLAYER]})


@pytest.fixture
def ops(store: MemoryStore):
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=None) as client:
        yield client


def written(store: MemoryStore) -> Counter:
    """What all statements so far add up to, by flag, variant and result."""
    total: Counter = Counter()
    for name, params in list(store.executed):
        if name == "add_flag_usage":
            keys = zip(params["flags"], params["variants"], params["results"], strict=True)
            total.update(dict(zip(keys, params["counts"], strict=True)))
    return total


def rows_written(store: MemoryStore) -> int:
    return sum(len(params["flags"]) for name, params in store.executed if name == "add_flag_usage")


def send(ops: OpsClient) -> None:
    ops.flags._send_usage()


def test_each_answer_is_counted(ops: OpsClient, store: MemoryStore) -> None:
    """Answers of `is_enabled` count by flag and result, those of `variant` by the variant as well."""
    answers = [ops.flags.is_enabled("player", {"user_id": str(number)}) for number in range(100)]
    given = [ops.flags.variant("player", {"user_id": str(number)}).name for number in range(100)]
    send(ops)
    assert written(store) == {
        ("player", "", True): answers.count(True),
        ("player", "", False): answers.count(False) + given.count("disabled"),
        ("player", "red", True): given.count("red"),
    }


def test_nothing_is_sent_twice(ops: OpsClient, store: MemoryStore) -> None:
    """What was sent is not sent again, and with nothing new nothing is sent."""
    ops.flags.is_enabled("player")
    for _ in range(3):
        send(ops)
    assert (written(store).total(), rows_written(store)) == (1, 1)


def test_threads_lose_nothing(ops: OpsClient, store: MemoryStore) -> None:
    """Counts that many threads add to, while another sends them, are exact."""

    def ask(_: int) -> None:
        for number in range(10_000):
            ops.flags.is_enabled("player", {"user_id": str(number % 10)})

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask, number) for number in range(8)]
        while not all(each.done() for each in asking):
            send(ops)
    send(ops)
    assert written(store).total() == 80_000


def test_a_million_checks_write_a_handful_of_rows(ops: OpsClient, store: MemoryStore) -> None:
    """Rows are bounded by flags and results, not by checks: a million of them, sent a few times, are a few rows."""
    contexts = [{"user_id": str(number)} for number in range(100)]
    for _ in range(3):
        for _ in range(3_334):
            for context in contexts:
                ops.flags.is_enabled("player", context)
        send(ops)
    assert written(store).total() == 1_000_200
    # Two more where the client's own first sending falls among them.
    assert rows_written(store) in {6, 8}


def test_counts_outlive_a_new_snapshot(ops: OpsClient, store: MemoryStore) -> None:
    """A change of configuration between two answers loses neither."""
    ops.flags.is_enabled("player")
    ops.flags.apply({"flags": [{"name": "player", "everyone": False}], "segments": []}, 2)
    ops.flags.is_enabled("player")
    send(ops)
    assert written(store) == {("player", "", False): 2}


def test_undefined_names_are_bounded(ops: OpsClient, store: MemoryStore) -> None:
    """A flag that nobody defined is counted under its name; beyond a thousand such names, under one."""
    for number in range(MOST_UNDEFINED + 5):
        ops.flags.is_enabled(f"made-up-{number}", default=True)
    ops.flags.is_enabled("made-up-7")
    ops.flags.is_enabled("player")
    send(ops)
    counts = written(store)
    assert counts[OTHERS, "", True] == 5
    assert counts["made-up-7", "", True] == counts["made-up-7", "", False] == 1
    assert counts["player", "", False] == 1
    assert len({flag for flag, _, _ in counts}) == MOST_UNDEFINED + 2


@pytest.mark.parametrize("name", ["naïve", "🎙", "half \ud800 pair", "nul \0", "x" * 500, "", None, 17])
def test_any_name_can_be_counted(ops: OpsClient, store: MemoryStore, name: str) -> None:
    """A name that a database cannot keep is kept as nearly as it can be, and stops no other."""
    ops.flags.is_enabled(name)
    ops.flags.is_enabled("player")
    send(ops)
    sent = {flag for flag, _, _ in written(store)}
    assert "player" in sent
    assert len(sent) == 2
    for flag in sent:
        flag.encode()
        assert "\0" not in flag
        assert len(flag) <= 100


def test_names_that_become_one_are_added_up(ops: OpsClient, store: MemoryStore) -> None:
    """Two names that are the same once they are cut are one row, since a statement may touch a row once."""
    for ending in "ab":
        ops.flags.is_enabled("x" * 200 + ending)
    send(ops)
    assert written(store) == {("x" * 100, "", False): 2}


def test_an_outage_loses_nothing_for_a_while(ops: OpsClient, store: MemoryStore) -> None:
    """Counts that could not be sent are sent when the database is back."""
    ops.flags.is_enabled("player")
    store.away = True
    with pytest.raises(StoreUnavailable):
        send(ops)
    ops.flags.is_enabled("player")
    store.away = False
    send(ops)
    assert written(store) == {("player", "", False): 2}


def test_a_long_outage_drops_and_counts() -> None:
    """After an hour what was counted belongs to another hour: it is dropped, and counted as dropped."""
    clock, store = FakeClock(), MemoryStore()
    usage = Usage(clock)
    count = usage.counter("player", "", True)
    count()
    count()
    store.away = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            usage.send(store, "test")
        clock.advance(KEPT_SECONDS)
    assert usage.dropped == 2
    store.away = False
    count()
    usage.send(store, "test")
    assert written(store) == {("player", "", True): 1}


def test_a_failure_half_way_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database goes away between two statements, only what the second one held is sent again."""
    monkeypatch.setattr(counting, "ROWS_AT_ONCE", 2)
    store = LimitedStore(statements=1)
    usage = Usage(FakeClock())
    for flag in "abc":
        usage.counter(flag, "", True)()
    with pytest.raises(StoreUnavailable):
        usage.send(store, "test")
    store.statements = 9
    usage.send(store, "test")
    assert written(store) == {("a", "", True): 1, ("b", "", True): 1, ("c", "", True): 1}


def test_the_last_counts_are_sent_at_the_end() -> None:
    """Closing a client sends what it has counted."""
    store = MemoryStore({"flags": [PLAYER]})
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=None) as ops:
        ops.flags.is_enabled("player")
    assert written(store) == {("player", "", False): 1}


def test_what_was_dropped_is_reported(ops: OpsClient, store: MemoryStore) -> None:
    """The report of a process carries what it had to give up, and nothing of what it did not."""
    ops.flags._usage.dropped = 12
    ops._report()
    assert store.executed[-1][1]["dropped"] == {"flag_usage": 12}


class LimitedStore(MemoryStore):
    """Goes away after some statements."""

    def __init__(self, statements: int) -> None:
        super().__init__()
        self.statements = statements

    def execute(self, name: str, **params: Any) -> int:
        self.away = self.statements == 0
        done = super().execute(name, **params)
        self.statements -= 1
        return done
