"""A provider says when its flags change, when they may be old, and when they are not any more."""

import subprocess
import sys
import threading
from collections import defaultdict

import pytest
from openfeature import api
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus

from ops_client import OpsClient
from ops_client.flags.changes import changed_flags
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.openfeature import OpsProvider
from ops_client.flags.rules import definition_from_row
from ops_client.testing import MemoryStore
from tests.flag_rows import applied, flag
from tests.waiting import until


@pytest.fixture
def heard():
    """Our provider's events by name, as handlers of OpenFeature's were given them."""
    events = defaultdict(list)

    def listener(event):
        # OpenFeature's own stand-in says at once that it is ready.
        return event, lambda details: details.provider_name == "ops-client" and events[event.value].append(details)

    handlers = [listener(event) for event in ProviderEvent]
    for event, handler in handlers:
        api.add_handler(event, handler)
    yield events
    for event, handler in handlers:
        api.remove_handler(event, handler)


def test_ready_after_loading(ops, asked, heard):
    """A provider is ready when the flags are loaded."""
    client = asked(ops)
    assert client.get_provider_status() is ProviderStatus.READY
    until(lambda: heard["PROVIDER_READY"], 5, "the event")


def test_changed_flags_are_named(store, ops, asked, heard):
    """A change names the flags that may answer otherwise, also by way of a segment or of what they depend on."""
    by_segment = flag("b", rules=[{"segments": ["pros"]}])
    child = flag("c", prerequisites=[{"flag": "a"}])
    grandchild = flag("d", prerequisites=[{"flag": "c"}])
    rest = [by_segment, child, grandchild, flag("e")]
    pros = {"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}
    store.set_tables(flags=[flag("a"), *rest], segments=[pros])
    applied(ops, store)
    asked(ops)
    for tables, changed in [
        ({"flags": [flag("a", everyone=False, version=4), *rest]}, ["a", "c", "d"]),
        ({"segments": [{**pros, "constraints": []}]}, ["b"]),
        ({"flags": [flag("a", archived=True), *rest, flag("new")]}, ["a", "c", "d", "new"]),
        ({"flags": rest}, ["new"]),
    ]:
        store.set_tables(**tables)
        until(lambda: heard["PROVIDER_CONFIGURATION_CHANGED"], 5, "the event")
        (event,) = heard["PROVIDER_CONFIGURATION_CHANGED"]
        assert (event.flags_changed, event.metadata) == (changed, {"revision": store.revision})
        heard["PROVIDER_CONFIGURATION_CHANGED"].clear()


def test_a_new_version_alone_is_no_change():
    """An edit that changes no answer, such as a note, is not told."""
    before, after = (compile_snapshot([definition_from_row(flag(version=version))], version) for version in (3, 4))
    assert changed_flags(before, after) == []


def test_stale_while_the_database_is_away(store, ops, asked, heard):
    """Answers go on, marked stale with their own reason beside it, until the database is back."""
    store.set_tables(flags=[flag()])
    applied(ops, store)
    client = asked(ops)
    until(lambda: heard["PROVIDER_READY"], 5, "the event")
    heard["PROVIDER_READY"].clear()
    store.away = True
    until(lambda: heard["PROVIDER_STALE"], 5, "the event")
    found = client.get_boolean_details("f", False)
    assert (found.value, found.reason, found.flag_metadata["reason"]) == (True, Reason.STALE, "STATIC")
    assert client.get_provider_status() is ProviderStatus.STALE
    store.away = False
    until(lambda: heard["PROVIDER_READY"], 10, "the event")
    assert client.get_boolean_details("f", False).reason is Reason.STATIC
    assert len(heard["PROVIDER_STALE"]) == 1


def test_served_from_file_is_stale(tmp_path, asked):
    """A process that starts without the database answers from its file, and says that this may be old."""
    path, store = tmp_path / "flags.json", MemoryStore({"flags": [flag()]})
    with OpsClient("", service="test", store=store, snapshot_path=path) as first:
        assert first.flags.is_enabled("f")
    store = MemoryStore()
    store.away = True
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=path) as second:
        client = asked(second)
        assert client.get_boolean_details("f", False).reason is Reason.STALE
        until(lambda: client.get_provider_status() is ProviderStatus.STALE, 5, "the provider to be stale")


def test_without_any_flags_it_is_not_ready(asked, heard):
    """With nothing to answer from, starting is an error; it becomes ready by itself when the database comes."""
    store = MemoryStore({"flags": [flag()]})
    store.away = True
    with OpsClient("", service="test", store=store, poll_seconds=0.05, snapshot_path=None) as client:
        with pytest.raises(ProviderNotReadyError):
            asked(client)
        until(lambda: heard["PROVIDER_ERROR"], 5, "the event")
        assert heard["PROVIDER_ERROR"][0].error_code is ErrorCode.PROVIDER_NOT_READY
        store.away = False
        until(lambda: heard["PROVIDER_READY"], 10, "the event")


def test_shutdown_leaves_the_client_open(store, ops):
    """After a shutdown nothing is told any more, and the client still answers."""
    told = threading.Event()
    provider = OpsProvider(ops)
    api.set_provider_and_wait(provider, "shutdown")
    provider.shutdown()
    provider.attach(lambda *_: told.set())
    store.set_tables(flags=[flag()])
    until(lambda: ops.flags.is_enabled("f"), 5, "the new answer")
    assert not told.is_set()
    api.clear_providers()


def test_ops_client_does_without_the_sdk():
    """Only this door needs openfeature-sdk: nothing else of the client imports it."""
    code = "import sys; sys.modules['openfeature'] = None; from ops_client import OpsClient"
    subprocess.run([sys.executable, "-c", code], check=True)
