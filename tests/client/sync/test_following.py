"""Following the configuration, against a store in memory: what is in force, when, and what is said of it."""

import json
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ops_client import OpsClient, lastgood
from ops_client.testing import MemoryStore
from tests.waiting import until


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "everyone": None, "percent": None, "rules": [], "archived": False, "version": 1, **fields}


def client(store: MemoryStore, path: Path | None = None) -> OpsClient:
    return OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=path)


def test_nothing_happens_before_the_first_question() -> None:
    """Making a client neither connects nor starts a thread; the first question does."""
    store = MemoryStore({"flags": [row("on", everyone=True)]})
    store.away = True
    ops = client(store)
    store.away = False
    assert ops.flags.is_enabled("on")
    ops.close()


def test_a_change_is_swapped_in() -> None:
    """A committed change reaches the answers without any question being asked of the store on the way."""
    store = MemoryStore({"flags": [row("x", everyone=False)]})
    with client(store) as ops:
        assert not ops.flags.is_enabled("x")
        store.set_tables(flags=[row("x", everyone=True)])
        until(lambda: ops.flags.is_enabled("x"), 5, "the new answer")
        assert ops.status()["revision"] == 2


def test_answers_outlive_the_database() -> None:
    """With the database gone, the last answers stay in force and the status says so; its return is noticed."""
    store = MemoryStore({"flags": [row("x", everyone=True)]})
    with client(store) as ops:
        assert ops.flags.is_enabled("x")
        store.away = True
        until(lambda: not ops.status()["reachable"], 5, "the outage to be noticed")
        assert ops.status()["stale"]
        assert ops.flags.is_enabled("x")
        store.away = False
        until(lambda: ops.status()["reachable"], 10, "the return to be noticed")
        assert not ops.status()["stale"]


def test_a_start_without_database_serves_the_last_known_good(tmp_path: Path) -> None:
    """A process that starts while the database is away answers from the file that an earlier one saved."""
    path = tmp_path / "deep" / "snapshot.json"
    with client(MemoryStore({"flags": [row("x", everyone=True)]}), path) as first:
        assert first.flags.is_enabled("x")
    store = MemoryStore()
    store.away = True
    with client(store, path) as second:
        assert second.flags.is_enabled("x")
        assert (second.status()["source"], second.status()["stale"]) == ("file", True)


def test_a_start_with_neither_answers_defaults_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Without database and file the caller's default is answered, and the log says why."""
    store = MemoryStore()
    store.away = True
    with caplog.at_level(logging.ERROR, "ops_client"), client(store) as ops:
        assert ops.flags.is_enabled("x", default=True)
        assert not ops.flags.is_enabled("x", default=False)
    assert "defaults are answered" in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other"}', "torn"])
def test_a_torn_or_foreign_file_is_ignored_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    """A file that is not a whole snapshot of ours is never served; the log names it."""
    path = tmp_path / "snapshot.json"
    if content == "torn":
        with client(MemoryStore({"flags": [row("x", everyone=True)]}), path) as ops:
            assert ops.flags.is_enabled("x")
        document = json.loads(path.read_text())
        content = json.dumps({**document, "body": document["body"].replace("true", "false")})
    path.write_text(content)
    store = MemoryStore()
    store.away = True
    with client(store, path) as ops:
        assert not ops.flags.is_enabled("x")
    assert str(path) in caplog.text


def test_a_restored_database_is_followed_back() -> None:
    """A revision lower than the one applied (a database restored from a back-up) is taken up too."""
    store = MemoryStore({"flags": [row("x", everyone=True)]})
    store.revision = 900
    with client(store) as ops:
        assert ops.flags.is_enabled("x")
        store.tables["flags"] = [row("x", everyone=False)]
        store.revision = 3
        until(lambda: not ops.flags.is_enabled("x"), 5, "the restored answer")


def test_the_same_number_of_another_server_is_another_revision() -> None:
    """After a failover the number may be the one that was applied, for other changes: the token differs."""
    store = MemoryStore({"flags": [row("x", everyone=True)]})
    with client(store) as ops:
        assert ops.flags.is_enabled("x")
        store.tables["flags"] = [row("x", everyone=False)]
        store.token = 4711
        until(lambda: not ops.flags.is_enabled("x"), 5, "the other server's answer")


def test_a_closed_client_keeps_its_last_answers() -> None:
    """After close() nothing runs, and what was in force still answers."""
    ops = client(MemoryStore({"flags": [row("x", everyone=True)]}))
    assert ops.flags.is_enabled("x")
    ops.close()
    assert ops.flags.is_enabled("x")


def test_a_rule_that_is_not_understood_is_reported() -> None:
    """A rule of a newer kind is off, the flag's others decide, and the instance's report carries the problem."""
    odd = {"constraints": [{"field": "tier", "operator": "TELEPATHY", "values": ["x"]}]}
    store = MemoryStore({"flags": [row("x", rules=[odd, {"percent": 100}]), row("y", rules=[odd])]})
    with client(store) as ops:
        assert ops.flags.is_enabled("x")
        assert not ops.flags.is_enabled("y")
        until(lambda: any(name == "report_instance" for name, _ in store.executed), 5, "a report")
        report = next(params for name, params in store.executed if name == "report_instance")
    assert {problem["flag"] for problem in json.loads(report["problems"])} == {"x", "y"}


@pytest.mark.parametrize(
    ("value", "expected"), [("on", True), ("off", False), ("100", True), ("0", False), ("perhaps", True)]
)
def test_the_environment_answers_for_flags_that_are_not_defined(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: bool
) -> None:
    """OPS_FLAG_<NAME> is the default of an undefined flag only; a value that means nothing leaves the caller's."""
    monkeypatch.setenv("OPS_FLAG_NEW_PLAYER", value)
    monkeypatch.setenv("OPS_FLAG_DEFINED", "on")
    with client(MemoryStore({"flags": [row("defined", everyone=False)]})) as ops:
        assert ops.flags.is_enabled("new-player", {"user_id": "1"}, default=True) is expected
        assert not ops.flags.is_enabled("defined")


def test_a_second_thread_waits_for_the_first_load() -> None:
    """Requests that arrive while the first one loads get the flag's answer, not the default."""
    store = Slow({"flags": [row("x", everyone=True)]})
    ops = client(store)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ops.flags.is_enabled, "x")
        assert store.asked.wait(5)
        second = threads.submit(ops.flags.is_enabled, "x")
        wait([second], timeout=0.3)
        store.go_on.set()
        assert (first.result(5), second.result(5)) == (True, True)
    ops.close()


def test_an_error_that_nobody_expects_stops_no_answer() -> None:
    """Whatever reading the configuration raises at the start, flags answer their defaults and follow later."""
    store = Broken({"flags": [row("x", everyone=True)]})
    with client(store) as ops:
        assert ops.flags.is_enabled("x", default=False) is False
        store.broken = False
        until(lambda: ops.flags.is_enabled("x"), 5, "the configuration to be read")


def test_a_user_without_a_home_has_no_snapshot_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no cache directory can be named the client is made all the same, and keeps no file."""
    for name in ("OPS_SNAPSHOT_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert lastgood.default_path("test", "") is None


class Slow(MemoryStore):
    """Answers the first question only when told to go on."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(tables)
        self.asked, self.go_on = Event(), Event()

    def fetch(self, name: str, **params: Any) -> list[dict[str, Any]]:
        self.asked.set()
        self.go_on.wait(10)
        return super().fetch(name, **params)


class Broken(MemoryStore):
    """Raises what is no StoreUnavailable."""

    broken = True

    def snapshot(self, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        if self.broken:
            raise TypeError("odd")
        return super().snapshot(names)


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the snapshot cannot be saved, no unfinished file is left, however often it is tried."""
    blocked = tmp_path / "snapshot.json"
    (blocked / "a directory with something in it").mkdir(parents=True)
    with client(MemoryStore({"flags": [row("x", everyone=True)]}), blocked) as ops:
        assert ops.flags.is_enabled("x")
    assert {each.name for each in tmp_path.iterdir()} == {blocked.name, f"{blocked.name}.key"}
