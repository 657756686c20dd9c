"""The client's threads: whatever ends one, it is started again, later each time, counted and shown."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops_client import OpsClient
from ops_client.background import Job
from ops_client.operations import delivery as delivering
from ops_client.testing import FakeClock, MemoryStore
from ops_client.threads import LONGEST_BACKOFF_SECONDS, RECOVERED_SECONDS, SupervisedThread, ThreadSupervisor
from tests.waiting import until


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def ops() -> Iterator[OpsClient]:
    with OpsClient("", service="test", store=MemoryStore(), poll_seconds=0.02, snapshot_path=None) as client:
        yield client


def ended_by(error: BaseException | None) -> Callable[[], None]:
    def run() -> None:
        if error is not None:
            raise error

    return run


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError(), ValueError("x"), None], ids=repr
)
def test_it_goes_on_whatever_ended_it(stop: threading.Event, error: BaseException | None) -> None:
    """Every way to end: counted, remembered with its error, and run again until it is told to stop."""
    runs: list[float] = []

    def run() -> None:
        runs.append(1)
        if len(runs) == 3:
            stop.wait(60)
        else:
            ended_by(error)()

    thread = SupervisedThread("t", run, stop, wait=lambda seconds: None)
    thread.start()
    until(lambda: len(runs) == 3, 10, "the third run")
    assert (thread.is_alive, thread.restarts, thread.is_failing) == (True, 2, True)
    assert type(error).__name__ in thread.last_error or error is None
    stop.set()
    thread.join(10)
    assert not thread.is_alive


def test_waits_grow_and_begin_anew_after_it_recovered(stop: threading.Event) -> None:
    """Twice as long each time up to a minute; a run that lasted begins with the shortest again."""
    clock, waits = FakeClock(), list[float]()
    lasting = [0.0] * 12 + [RECOVERED_SECONDS, 0.0]

    def run() -> None:
        if len(waits) == len(lasting):
            stop.set()
            return
        clock.advance(lasting[len(waits)])
        raise OSError("down")

    thread = SupervisedThread("t", run, stop, clock.monotonic, waits.append)
    thread._supervise()
    bounds = [min(0.5 * 2**n, LONGEST_BACKOFF_SECONDS) for n in range(12)] + [0.5, 1.0]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, bounds, strict=True))


def test_one_that_is_gone_is_started_by_another(stop: threading.Event) -> None:
    """A thread that ended without its supervision noticing (it is Python's own that was shot) is missed."""
    supervisor = ThreadSupervisor()
    thread = supervisor.add(SupervisedThread("t", lambda: stop.wait(60) and None, stop))
    supervisor.ensure()
    assert not thread.is_alive  # nobody started it
    thread.start()
    first = thread._thread
    assert first is not None
    thread._thread = threading.Thread(target=lambda: None)  # as if it were gone
    supervisor.ensure()
    until(lambda: thread.is_alive, 10, "the new thread")
    assert (thread.restarts, thread._thread is first) == (1, False)


def test_a_system_without_threads_fails_no_caller(stop: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """`start` is called on the way of a request: it does not raise, and `ensure` tries again."""
    thread = ThreadSupervisor().add(SupervisedThread("t", lambda: stop.wait(60) and None, stop))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        thread.start()
        assert thread.is_failing
    thread.ensure()
    assert thread.is_alive


def _no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("ops-sync", lambda ops: (ops._sync, "_wait")),
        ("ops-background", lambda ops: (ops._background, "run_due")),
        ("ops-commands", lambda ops: (ops.operations._delivery, "deliver_one")),
        ("ops-command-lease", lambda ops: (ops.operations._delivery, "prolong")),
    ],
    ids=["sync", "background", "commands", "lease"],
)
def test_every_thread_of_the_client_is_supervised(
    ops: OpsClient, monkeypatch: pytest.MonkeyPatch, name: str, method: Callable[[OpsClient], tuple[object, str]]
) -> None:
    """SystemExit in the middle of it: it goes on, `status()` counts it, and the report for the System page names it."""
    monkeypatch.setattr(delivering, "PROLONG_SECONDS", 0.02)
    ops.operations.on_command("notes", retry=lambda command: None)
    owner, attribute = method(ops)
    works = getattr(owner, attribute)
    calls: list[int] = []

    def exit_once() -> Any:
        calls.append(1)
        return sys.exit(4) if len(calls) == 1 else works()

    monkeypatch.setattr(owner, attribute, exit_once)
    until(lambda: ops.status()["threads"][name]["restarts"] == 1, 20, "the restart")
    assert "SystemExit" in ops.status()["threads"][name]["last_error"]
    until(lambda: any(problem["rule"] == name for problem in reported(ops)), 20, "the report")
    assert ops.status()["threads"][name]["alive"]


def reported(ops: OpsClient) -> list[dict[str, Any]]:
    """The problems that the System page would show."""
    store = ops.runtime.store
    assert isinstance(store, MemoryStore)
    reports = [params for name, params in list(store.executed) if name == "report_instance"]
    return list(json.loads(reports[-1]["problems"])) if reports else []


def test_a_job_that_ends_the_thread_keeps_no_other_from_running(ops: OpsClient) -> None:
    """One job that calls sys.exit() each time: the jobs behind it run."""
    ran = threading.Event()
    ops._background._jobs.insert(0, Job("exit", 0.01, lambda: sys.exit(3)))
    ops._background.add(Job("other", 0.01, ran.set))
    assert ran.wait(30)


def test_a_follower_that_fails_keeps_no_other_from_following(ops: OpsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags are applied though the quotas could not read their rows, and the revision is not reported as applied."""
    before = ops.status()["revision"]
    monkeypatch.setattr(ops.flags, "apply", _raises)
    applied = threading.Event()
    monkeypatch.setattr(ops.breakers, "apply", lambda tables, revision: applied.set())
    store = ops.runtime.store
    assert isinstance(store, MemoryStore)
    store.set_tables(flags=[])
    assert applied.wait(10)
    assert ops.status()["revision"] == before


def _raises(*_: Any) -> None:
    raise KeyError("a column that is missing")


class Undescribed(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_error_without_a_text_is_noted(stop: threading.Event) -> None:
    """Noting it must not raise: that would end the thread silently."""
    thread = SupervisedThread("t", ended_by(Undescribed()), stop, wait=lambda seconds: stop.set())
    thread._supervise()
    assert (thread.restarts, "Undescribed" in thread.last_error) == (1, True)


def test_what_is_kept_of_an_error_is_bounded_and_holds_no_password(stop: threading.Event) -> None:
    """It is shown on health pages."""
    error = ValueError("x" * 450 + " postgresql://u:secret" + "x" * 10_000 + "@db/x")
    thread = SupervisedThread("t", ended_by(error), stop, wait=lambda seconds: stop.set())
    thread._supervise()
    assert "secret" not in thread.last_error
    assert len(thread.last_error) <= 500


class SlowStore(MemoryStore):
    """A store whose first load waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.loading, self.go_on = threading.Event(), threading.Event()

    def fetch(self, name: str, **params: Any) -> list[dict[str, Any]]:
        if name == "revision":
            self.loading.set()
            self.go_on.wait(60)
        return super().fetch(name, **params)


def test_a_client_closed_while_it_starts_leaves_no_thread() -> None:
    """`close` waits for the start, and then ends every thread that it began."""
    store = SlowStore()
    client = OpsClient("", service="test", store=store, poll_seconds=0.02, snapshot_path=None)
    client.operations.on_command("k", retry=lambda command: None)
    starting = threading.Thread(target=client.start, daemon=True)
    starting.start()
    assert store.loading.wait(10)
    closing = threading.Thread(target=client.close, daemon=True)
    closing.start()
    closing.join(0.5)  # without the fix it has told the parts by now
    store.go_on.set()
    starting.join(30)
    closing.join(30)
    assert not any(thread["alive"] for thread in client.status()["threads"].values())
