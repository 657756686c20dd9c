"""What a process reports of itself: whatever one part of the client raises, and never after its end."""

import gc
import logging
import multiprocessing.util
import threading
import weakref
from typing import Any

import pytest

from ops_client import OpsClient
from ops_client.testing import MemoryStore


def stopped_client(store: MemoryStore) -> OpsClient:
    """A client that counts as running, without threads."""
    client = OpsClient("", service="test", store=store, snapshot_path=None)
    client._running = client._sync.reachable = True
    return client


def statements(store: MemoryStore) -> list[str]:
    return [name for name, _ in store.executed]


def fail(*_: object) -> Any:
    raise LookupError("a part is broken")


@pytest.mark.parametrize("question", ["problems", "dropped"])
def test_a_part_that_raises_does_not_stop_the_report(question: str, caplog: pytest.LogCaptureFixture) -> None:
    """The others' answers are reported, with the failure; it is counted each time and logged once until it is over."""
    store = MemoryStore()
    ops = stopped_client(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops.flags, question, fail)
        patch.setattr(ops.quotas, "problems", lambda: [{"flag": "q", "rule": "", "message": "of quotas"}])
        patch.setattr(ops.quotas, "dropped", lambda: {"quota_peaks": 3})
        for _ in range(2):
            ops._report()
        assert ops.status()["dropped"]["quota_peaks"] == 3
    (_, first), (_, second) = store.executed
    assert "of quotas" in second["problems"]
    assert ("FlagClient" in second["problems"]) is (question == "problems")
    assert second["dropped"]["quota_peaks"] == 3
    assert second["dropped"]["reports"] > first["dropped"]["reports"] >= 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_part_that_cannot_close_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing goes on to the end: the process ends cleanly."""
    store, closed = MemoryStore(), []
    ops = OpsClient("", service="test", store=store, snapshot_path=None).start()
    monkeypatch.setattr(ops.flags, "closing", fail)
    monkeypatch.setattr(ops.operations, "closing", lambda: closed.append("operations"))
    ops.close()
    assert (closed, statements(store)[-1]) == (["operations"], "end_instance")


def test_no_report_follows_that_of_the_end() -> None:
    """A process of a few milliseconds: its first report would come last, and it would be shown as crashed."""
    store = MemoryStore()
    ops = stopped_client(store)
    ops._process_exits()
    ops._report()
    assert statements(store) == ["end_instance"]


def test_the_end_waits_for_a_report_under_way() -> None:
    """Told in the other order, the end would find no process."""
    begun, go_on, store = threading.Event(), threading.Event(), MemoryStore()

    def slow(name: str, **params: Any) -> int:
        begun.set()
        go_on.wait(20)
        return MemoryStore.execute(store, name, **params)

    store.execute = slow  # type: ignore[method-assign]
    ops = stopped_client(store)
    report = threading.Thread(target=ops._report)
    report.start()
    begun.wait(20)
    threading.Timer(0.05, go_on.set).start()
    ops._process_exits()
    report.join()
    assert statements(store) == ["report_instance", "end_instance"]


def test_a_closed_client_is_not_kept_alive() -> None:
    """Also where `multiprocessing`, which tells of the end of its children, is loaded."""
    assert multiprocessing.util
    client = OpsClient("", service="test", store=MemoryStore(), snapshot_path=None).start()
    client.close()
    closed = weakref.ref(client)
    del client
    gc.collect()
    assert closed() is None
