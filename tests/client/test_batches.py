"""Rows that the database refuses are dropped alone, in every batch that the client writes."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client import OpsClient
from ops_client.batches import MOST_HALVINGS, write_each
from ops_client.breaker.machine import BreakerConfig
from ops_client.errors import StoreRefused, StoreUnavailable
from ops_client.quotas.decide import Decision, Kind, LimitInForce, Source
from ops_client.quotas.use import Use
from ops_client.store import Row
from ops_client.testing import MemoryStore

NAMES = ["healthy-1", "poison", "healthy-2"]
BATCHES = {
    "add_flag_usage",
    "note_flag_presence",
    "quota_report_refusals",
    "quota_report_peaks",
    "quota_report_failures",
    "quota_give_back",
    "register_breaker",
    "report_breakers",
    "add_provider_minutes",
    "operation_sign",
    "operation_finish",
    "operation_start",
}


class RefusingStore(MemoryStore):
    """Refuses, for whatever reason, every statement that holds one certain row."""

    def fetch(self, name: str, *, within_seconds: float | None = None, **params: Any) -> list[Row]:
        self._refuse(name, params)
        return super().fetch(name, within_seconds=within_seconds, **params)

    def execute(self, name: str, **params: Any) -> int:
        self._refuse(name, params)
        return super().execute(name, **params)

    def _refuse(self, name: str, params: dict[str, Any]) -> None:
        if name in BATCHES and "poison" in repr(params):
            raise StoreRefused("a constraint says no")

    def written(self, statement: str) -> str:
        return repr([params for name, params in self.executed if name == statement])


@pytest.fixture
def store() -> RefusingStore:
    return RefusingStore({"flags": [{"name": name, "percent": 50} for name in NAMES]})


@pytest.fixture
def ops(store: RefusingStore) -> OpsClient:
    """A client whose background is run by hand: nothing starts."""
    client = OpsClient("", service="test", store=store, snapshot_path=None)
    client.runtime.wake = lambda: None
    client.flags._asleep = False
    client.flags.apply({"flags": store.tables["flags"], "segments": []}, 1)
    return client


def run(ops: OpsClient, name: str) -> None:
    (job,) = [job for part in ops._parts for job in part.jobs() if job.name == name]
    job.run()


def ask_flags(ops: OpsClient) -> None:
    for name in NAMES:
        ops.flags.is_enabled(name, {"user_id": name})
    run(ops, "flag_usage")
    run(ops, "flag_presence")


def refuse_quotas(ops: OpsClient) -> None:
    asking = ops.quotas._asking
    for name in NAMES:
        use = Use(Kind.RATE, "calls", name, None)
        asking.peaks.note(use, 3, LimitInForce(2, Source.DEFAULT, "default"))
        asking.refusals.note(use, Decision(False, "calls", Kind.RATE, 2, 0, Source.DEFAULT, "default"), False)
        asking.without_store.decide(Use(Kind.RATE, name, "u", None), None)
        asking.permits._unused[("calls", name, None)] = {1: 1}
    for job in ("quota_refusals", "quota_peaks", "quota_permits"):
        run(ops, job)


def call_providers(ops: OpsClient) -> None:
    for name in NAMES:
        breaker = ops.breaker(name, BreakerConfig(window_calls=10))
        with pytest.raises(OSError), breaker:
            raise OSError("down")
    ops.breakers._publisher.publish()


def beat(ops: OpsClient) -> None:
    for name in NAMES:
        operation = ops.operations.track("kind", name)
        operation.write_start = lambda: None
        operation._is_written, operation.version = True, 0
        ops.operations._keeping.keep(operation)
    run(ops, "heartbeats")


def begin_while_away(ops: OpsClient) -> None:
    away = ops.runtime.store
    away.away = True
    for name in NAMES:
        ops.operations.track("kind", name).start()
    away.away = False
    run(ops, "heartbeats")  # the starts
    run(ops, "heartbeats")


def end_while_away(ops: OpsClient) -> None:
    away = ops.runtime.store
    away.away = True
    for name in NAMES:
        with ops.operations.track("kind", name):
            pass
    away.away = False
    run(ops, "heartbeats")


@pytest.mark.parametrize(
    ("work", "statements", "dropped"),
    [
        (ask_flags, ["add_flag_usage", "note_flag_presence"], {"flag_usage": 1, "flag_presence": 1}),
        (
            refuse_quotas,
            ["quota_report_refusals", "quota_report_peaks", "quota_report_failures", "quota_give_back"],
            {"quota_refusals": 1, "quota_peaks": 1, "quota_failures": 1, "quota_permits": 1},
        ),
        # Its registration, and its minute; a breaker that is not registered has no report.
        (call_providers, ["register_breaker", "report_breakers", "add_provider_minutes"], {"breaker_reports": 2}),
        (beat, ["operation_sign"], {"operations": 1}),
        (begin_while_away, ["operation_start", "operation_sign"], {"operations": 1}),
        (end_while_away, ["operation_start", "operation_finish"], {"operations": 1}),
    ],
)
def test_one_bad_row_costs_no_other(
    ops: OpsClient,
    store: RefusingStore,
    work: Callable[[OpsClient], None],
    statements: list[str],
    dropped: dict[str, int],
) -> None:
    """The healthy rows are written, the refused one is dropped and counted, and the next run has nothing left over."""
    work(ops)
    for statement in statements:
        written = store.written(statement)
        assert ("healthy-1" in written, "healthy-2" in written, "poison" in written) == (True, True, False), statement
    assert ops.status()["dropped"] == dropped


@given(st.sets(st.integers(0, 2_499)), st.integers(0, 2_400))
def test_healthy_rows_are_written_however_many_others_are_refused(scattered: set[int], start: int) -> None:
    """Scattered bad rows and a run of them cost no healthy row; the order stays, and so does a bound on statements."""
    bad = scattered | set(range(start, start + 100))
    written: list[int] = []
    asked = 0

    def write(rows: Sequence[int]) -> None:
        nonlocal asked
        asked += 1
        if bad & set(rows):
            raise StoreRefused("a constraint says no")
        written.extend(rows)

    assert write_each(range(2_500), write, "rows", monotonic=lambda: 0.0) == len(bad)
    assert written == [row for row in range(2_500) if row not in bad]
    assert asked <= 2_500 + 2 * MOST_HALVINGS


def test_where_everything_is_refused_the_search_ends(caplog: pytest.LogCaptureFixture) -> None:
    """When its time is up, what was not tried yet is tried whole and dropped whole; the log says so once."""
    clock = itertools.count()
    asked: list[int] = []

    def write(rows: Sequence[int]) -> None:
        asked.append(len(rows))
        raise StoreRefused("a column is missing")

    assert write_each(range(3_000), write, "rows", monotonic=lambda: float(next(clock))) == 3_000
    assert len(asked) < 20
    assert [record.getMessage() for record in caplog.records] == [
        "ops_client: 3000 of rows dropped: a column is missing"
    ]


def test_a_database_that_is_away_stops_the_batch() -> None:
    """Nothing is dropped then: the caller keeps what was not written."""

    def write(rows: Sequence[int]) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        write_each([1, 2], write, "rows")
