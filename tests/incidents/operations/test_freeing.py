"""What an operation leaves behind is freed by the backend's handler: last, once, and not under a retry."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.operations import services
from incidents.operations.models import Command, Handler, OperationMark
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_client import OpsClient
from ops_client.errors import InvalidInput
from ops_client.operations import CommandRejected, FreeCommand
from ops_client.operations.delivery import Delivery
from ops_client.store import PostgresStore
from tests.incidents.operations.conftest import USER, make_episode
from tests.people import actor

pytestmark = pytest.mark.usefixtures("committed")
KIND = "episode_assembly"


@pytest.fixture
def deliver(backend_dsn: str) -> Iterator[Callable[..., bool]]:
    """Has one backend process with this handler take up one command."""
    store = PostgresStore(backend_dsn)

    def one(handler: Callable[[FreeCommand], object]) -> bool:
        return Delivery(store, {f"{KIND}.free": handler}).deliver_one()

    yield one
    store.close()


@pytest.fixture(autouse=True, params=["small bulk", "large bulk"])
def _at_once(settings: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept for a while; once with a mark a row, and once with those alone that are needed."""
    settings.RESOURCES_KEPT_SECONDS = 0
    if request.param == "large bulk":
        monkeypatch.setattr("incidents.operations.writing.MARKED_UP_TO", 0)


def fail(*ids: str) -> None:
    scope = Scope(state="any", ids=ids)
    services.start(actor(), scope, "fail", "lost", options=services.Options(frees=True))
    release_due()


def test_the_handler_gets_what_it_needs(deliver: Callable[..., bool]) -> None:
    """Owner and file names, once: a second delivery of the same command finds nothing left to free."""
    one = make_episode(working_audio_name="w.wav")
    fail(one)
    freed: list[FreeCommand] = []
    assert deliver(freed.append)
    Command.objects.update(state="queued", available_at=timezone.now())
    assert deliver(freed.append)
    assert [(c.operation_id, c.resources, c.reason) for c in freed] == [
        (one, {"owner_id": USER, "working_audio_name": "w.wav"}, "lost")
    ]
    assert Command.objects.get().state == "delivered"


def test_what_was_retried_meanwhile_keeps_its_files(deliver: Callable[..., bool]) -> None:
    """A retry between the failure and the freeing makes the command to free void, with a mark or without."""
    one, marked = make_episode(), make_episode()
    OperationMark.objects.create(kind=KIND, operation_id=marked, version=4)
    fail(one, marked)
    services.start(actor(), Scope(state="any", ids=(one, marked)), "retry", "it was not lost")
    release_due()
    freed: list[FreeCommand] = []
    assert deliver(freed.append)
    assert freed == []
    assert Command.objects.get(verb="free").state == "delivered"


def test_what_cannot_be_freed_is_said(deliver: Callable[..., bool]) -> None:
    """A refusal is the operation's outcome."""
    fail(make_episode())

    def refuse(command: FreeCommand) -> None:
        raise CommandRejected("working_audio_name", "It lies outside of the store.")

    assert deliver(refuse)
    command = Command.objects.get()
    assert (command.state, command.refused) == ("delivered", 1)
    assert command.action.outcomes.get().detail == "It lies outside of the store."


def test_what_is_freed_is_not_taken_back(deliver: Callable[..., bool]) -> None:
    """Work whose files are gone does not come back as if they were there."""
    one = make_episode()
    fail(one)
    assert deliver(lambda command: None)
    action = services.take_back(actor(), Command.objects.get().action_id, "too late")
    release_due()
    assert action.outcomes.get().detail == "Its backend has carried it out already."


def test_handlers_are_known_by_their_asking(deliver: Callable[..., bool]) -> None:
    """The console knows what some backend handles, and since when nobody does any more."""
    assert not deliver(lambda command: None)
    assert Handler.objects.get().name == f"{KIND}.free"
    Handler.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    deliver(lambda command: None)
    assert timezone.now() - Handler.objects.get().seen_at < timedelta(minutes=1)


def test_one_handler_a_kind(backend_dsn: str) -> None:
    """A second handler for the same, and a function that would have to be awaited, are refused."""
    client = OpsClient(backend_dsn, service="podcast-api")
    client.operations.on_free_resources(KIND, lambda command: None)

    async def free(command: FreeCommand) -> None:
        raise AssertionError

    for kind, handler in ((KIND, lambda command: None), ("other", free)):
        with pytest.raises(InvalidInput):
            client.operations.on_free_resources(kind, handler)
    client.close()
