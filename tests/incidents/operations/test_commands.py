"""Commands reach the backend at least once, are done once, and come back with what became of them."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from incidents.operations import services
from incidents.operations.models import Action, Command, OperationMark
from incidents.operations.refusals import put_back_refused
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_client import OpsClient
from ops_client.errors import InvalidInput
from ops_client.operations import CommandRejected, RetryCommand
from ops_client.operations.delivery import Delivery
from ops_client.store import PostgresStore
from tests.incidents.operations.conftest import make_episode, row_of, set_status
from tests.people import actor
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("committed")
KIND = "episode_assembly"
Deliver = Callable[..., bool]


@pytest.fixture
def delivery(backend_dsn: str) -> Iterator[Callable[..., Delivery]]:
    """Makes backend processes with a handler; each claims only when told to."""
    stores: list[PostgresStore] = []

    def make(handler: Callable[[RetryCommand], object]) -> Delivery:
        stores.append(PostgresStore(backend_dsn))
        return Delivery(stores[-1], {f"{KIND}.retry": handler})

    yield make
    for store in stores:
        store.close()


def retry(count: int = 1, reason: str = "provider was down") -> Action:
    """An action that is released: its command stands in the outbox."""
    for _ in range(count):
        make_episode()
    action = services.start(actor(), Scope(), "retry", reason)
    release_due()
    return action


def make_due() -> None:
    """Let the wait before the next attempt, and any lease, be over."""
    past = timezone.now() - timedelta(seconds=1)
    Command.objects.update(available_at=past)
    Command.objects.filter(leased_until__isnull=False).update(leased_until=past)


def test_a_command_is_taken_up(delivery: Callable[..., Delivery]) -> None:
    """The handler gets id, version, attempt, payload and reason; then the command is delivered."""
    retry()
    taken: list[RetryCommand] = []
    assert delivery(taken.append).deliver_one()
    command = Command.objects.get()
    (one,) = taken
    assert (one.operation_id, one.version, one.attempt) == (command.operation_ids[0], 1, 1)
    assert (one.payload["main_content_filename"], one.reason) == ("talk.wav", "provider was down")
    assert (command.state, command.handled, command.refused) == ("delivered", 1, 0)
    assert command.delivered_at is not None


def test_delivered_once_is_delivered(delivery: Callable[..., Delivery]) -> None:
    """There is nothing to claim any more, by this process or another."""
    retry()
    taken: list[RetryCommand] = []
    assert delivery(taken.append).deliver_one()
    assert not delivery(taken.append).deliver_one()
    assert len(taken) == 1


def test_a_second_delivery_does_nothing_twice(delivery: Callable[..., Delivery]) -> None:
    """A command that comes again, to another process, holds none of what was done already."""
    retry(3)
    taken: list[str] = []
    delivery(lambda c: taken.append(c.operation_id)).deliver_one()
    Command.objects.update(state="queued", leased_by=None, leased_until=None)
    make_due()
    assert delivery(lambda c: taken.append(c.operation_id)).deliver_one()
    assert len(taken) == len(set(taken)) == 3
    assert Command.objects.get().state == "delivered"


def test_what_could_not_be_reported_is_not_done_twice(delivery: Callable[..., Delivery]) -> None:
    """A process that lost its report answers a second delivery from memory, without calling the handler."""
    retry(2)
    taken: list[str] = []
    one = delivery(lambda c: taken.append(c.operation_id))
    one.deliver_one()
    OperationMark.objects.update(handled_version=0)
    Command.objects.update(state="queued", handled=0)
    make_due()
    assert one.deliver_one()
    assert len(taken) == 2
    assert (Command.objects.get().state, Command.objects.get().handled) == ("delivered", 2)


def test_an_overtaken_command_is_dropped(delivery: Callable[..., Delivery]) -> None:
    """Only the newest version of an operation is worth doing."""
    retry()
    services.start(actor(), Scope(state="in_progress"), "fail", "never mind")
    release_due()
    taken: list[RetryCommand] = []
    delivery(taken.append).deliver_one()
    assert taken == []
    assert Command.objects.get().state == "delivered"


def test_a_refusal_is_reported(delivery: Callable[..., Delivery]) -> None:
    """What the backend refuses is shown with its reason, and not asked again."""
    action = retry()

    def refuse(command: RetryCommand) -> None:
        raise CommandRejected("main_content_filename", "The recording was deleted.\0")

    delivery(refuse).deliver_one()
    outcome = action.outcomes.get()
    assert (outcome.outcome, outcome.detail) == ("refused", "The recording was deleted.\N{REPLACEMENT CHARACTER}")
    assert (Command.objects.get().state, Command.objects.get().refused) == ("delivered", 1)
    assert OperationMark.objects.get().note == outcome.detail


def test_a_refused_row_is_as_it_was(delivery: Callable[..., Delivery]) -> None:
    """A failed row whose retry is refused is failed again, and one that was taken up is not."""
    refused, taken = make_episode(status="failed"), make_episode(status="error")
    services.start(actor(), Scope(state="failed"), "retry", "again")
    release_due()
    assert put_back_refused() == 0

    def handle(command: RetryCommand) -> None:
        if command.operation_id == refused:
            raise CommandRejected("main_content_filename", "The recording was deleted.")

    delivery(handle).deliver_one()
    assert put_back_refused() == 1
    assert put_back_refused() == 0
    assert (row_of(refused)["status"], row_of(taken)["status"]) == ("failed", "processing")


def test_a_refused_row_that_moved_on_is_left(delivery: Callable[..., Delivery]) -> None:
    """What somebody has changed since is theirs."""
    one = make_episode(status="failed")
    services.start(actor(), Scope(state="failed"), "retry", "again")
    release_due()

    def refuse(command: RetryCommand) -> None:
        raise CommandRejected("main_content_filename", "The recording was deleted.")

    delivery(refuse).deliver_one()
    set_status(one, "processed")
    put_back_refused()
    assert row_of(one)["status"] == "processed"


def test_one_failure_holds_up_no_other(delivery: Callable[..., Delivery]) -> None:
    """An operation whose handler fails is tried again later; the others of its command are done."""
    retry(3)
    bad = Command.objects.get().operation_ids[1]
    calls: list[str] = []

    def handle(command: RetryCommand) -> None:
        calls.append(command.operation_id)
        if command.operation_id == bad and calls.count(bad) == 1:
            raise ConnectionError("the queue is away")

    delivery(handle).deliver_one()
    command = Command.objects.get()
    assert (command.state, command.handled, command.attempts) == ("queued", 2, 1)
    assert "the queue is away" in command.last_error
    assert command.available_at > timezone.now()
    make_due()
    delivery(handle).deliver_one()
    assert Command.objects.get().state == "delivered"
    assert len(calls) == 4


def test_what_never_works_is_a_dead_letter(delivery: Callable[..., Delivery]) -> None:
    """After eight attempts it waits for a person, who can send it again."""
    retry()

    def fail(command: RetryCommand) -> None:
        raise RuntimeError("broken")

    for _ in range(8):
        make_due()
        assert delivery(fail).deliver_one()
    make_due()
    assert not delivery(fail).deliver_one()
    command = Command.objects.get()
    assert (command.state, command.attempts) == ("dead", 8)
    assert "RuntimeError: broken" in command.last_error
    services.send_again(actor(), command.pk)
    taken: list[RetryCommand] = []
    assert delivery(taken.append).deliver_one()
    assert len(taken) == 1


def test_the_wait_grows_and_varies(delivery: Callable[..., Delivery]) -> None:
    """Each attempt waits about twice as long as the one before, with jitter."""
    retry()

    def fail(command: RetryCommand) -> None:
        raise RuntimeError("broken")

    waits = []
    for _ in range(4):
        make_due()
        delivery(fail).deliver_one()
        waits.append((Command.objects.get().available_at - timezone.now()).total_seconds())
    for attempt, wait in enumerate(waits, start=1):
        assert 2**attempt * 0.5 - 1 <= wait <= 2**attempt * 1.5


def test_a_lease_keeps_others_off(delivery: Callable[..., Delivery]) -> None:
    """While one process is at a command, no other gets it; when its lease runs out, what remains is given away."""
    retry(2)
    others: list[str] = []
    first: list[str] = []

    def handle(command: RetryCommand) -> None:
        first.append(command.operation_id)
        if len(first) == 1:
            assert not delivery(lambda c: others.append(c.operation_id)).deliver_one()
            make_due()
            assert delivery(lambda c: others.append(c.operation_id)).deliver_one()

    delivery(handle).deliver_one()
    assert Command.objects.get().state == "delivered"
    assert len(others) == 2


def test_processes_share_the_outbox(delivery: Callable[..., Delivery]) -> None:
    """Two processes that claim at once get different commands."""
    retry(), retry()
    taken: list[str] = []
    gate = threading.Barrier(2, timeout=10)

    def handle(command: RetryCommand) -> None:
        gate.wait()
        taken.append(command.operation_id)

    threads = [threading.Thread(target=delivery(handle).deliver_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == len(set(taken)) == 2


def test_a_client_takes_up_what_comes(backend_dsn: str) -> None:
    """A running client with a handler works commands off by itself."""
    taken: list[str] = []
    with OpsClient(backend_dsn, service="test", snapshot_path=None) as client:
        client.operations.on_command(KIND, retry=lambda c: taken.append(c.operation_id))
        retry(3)
        until(lambda: Command.objects.get().state == "delivered")
    assert len(taken) == 3


def test_a_client_that_closes_lets_go(backend_dsn: str) -> None:
    """What is left of a command when its process ends is free for the next at once, and cost no attempt."""
    retry(3)
    begun, go = threading.Event(), threading.Event()

    def handle(command: RetryCommand) -> None:
        begun.set()
        go.wait(10)

    client = OpsClient(backend_dsn, service="test", snapshot_path=None)
    client.operations.on_command(KIND, retry=handle)
    client.start()
    assert begun.wait(10)
    closing = threading.Thread(target=client.close)
    closing.start()
    go.set()
    closing.join(15)
    command = Command.objects.get()
    assert (command.state, command.attempts, command.leased_by) == ("queued", 0, None)
    assert command.handled >= 1


def test_no_thread_without_a_handler(backend_dsn: str) -> None:
    """A client that handles no commands asks for none."""
    with OpsClient(backend_dsn, service="test", snapshot_path=None):
        assert "ops-commands" not in {thread.name for thread in threading.enumerate()}


def test_a_handler_is_registered_once(backend_dsn: str) -> None:
    """A second handler of a kind would take its commands at random: it is refused, as is an async one."""

    async def later(command: RetryCommand) -> None: ...

    client = OpsClient(backend_dsn, service="test", snapshot_path=None)
    client.operations.on_command(KIND, retry=print)
    with pytest.raises(InvalidInput):
        client.operations.on_command(KIND, retry=print)
    with pytest.raises(InvalidInput):
        client.operations.on_command("other", retry=later)
    client.close()


def test_a_heartbeat_is_kept(backend_dsn: str) -> None:
    """A backend says that work is alive, and the operation is not stuck."""
    one = make_episode()
    with OpsClient(backend_dsn, service="test", snapshot_path=None) as client:
        client.operations.heartbeat(KIND, one)
    assert OperationMark.objects.get(operation_id=one).heartbeat_at is not None


def test_a_backend_sees_no_payloads_of_others(backend_dsn: str) -> None:
    """The contract shows how commands stand; what is in them is given to who claims them."""
    retry()
    with psycopg.connect(backend_dsn) as backend:
        row = backend.execute("SELECT * FROM ops_v1.command").fetchone()
        assert row is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            backend.execute("SELECT * FROM ops.operations_command")
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'command'")
        assert "payloads" not in {name for (name,) in cursor.fetchall()}
