"""The lease of a command: kept while its handler runs, lost by the clock, refused by its token, and never for ever."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from embedded import paths
from embedded.process import dying_with_parent
from incidents.operations.models import Command, OperationMark
from incidents.operations.progress import outbox_depth_and_age
from incidents.operations.release import MAX_LAPSES, bury_exhausted
from ops_client.errors import StoreUnavailable
from ops_client.operations import CommandRejected, RetryCommand
from ops_client.operations.client import LONG_HANDLER_SECONDS, OperationsClient
from ops_client.operations.delivery import LEASE_SECONDS, PROLONG_AGAIN_SECONDS, PROLONG_SECONDS, Delivery
from ops_client.part import Runtime
from ops_client.store import PostgresStore
from ops_client.testing import FakeClock
from tests.incidents.operations.test_commands import KIND, make_due, retry
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("committed")
Make = Callable[..., Delivery]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def delivery(backend_dsn: str, clock: FakeClock) -> Iterator[Make]:
    stores: list[PostgresStore] = []

    def make(handler: Callable[[RetryCommand], object]) -> Delivery:
        stores.append(PostgresStore(backend_dsn))
        return Delivery(stores[-1], {f"{KIND}.retry": handler}, monotonic=clock.monotonic)

    yield make
    for store in stores:
        store.close()


def lease_seconds() -> float:
    """How long the lease lasts from now."""
    until_at = Command.objects.get().leased_until
    assert until_at is not None
    return (until_at - timezone.now()).total_seconds()


def lapse() -> None:
    """Let the lease run out, as after a kill."""
    Command.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_the_lease_is_short_and_prolonged_while_the_handler_runs(delivery: Make, clock: FakeClock) -> None:
    """15 s from the claim, and 15 s again at each prolonging: a handler of 100 s is never run beside itself."""
    retry()
    seen: list[tuple[bool, bool]] = []

    def handler(command: RetryCommand) -> None:
        assert lease_seconds() <= LEASE_SECONDS == 15
        for _ in range(35):  # 105 s
            clock.advance(PROLONG_SECONDS)
            lapse()
            assert one.prolong() == PROLONG_SECONDS
            seen.append((command.lost, delivery(seen.append).deliver_one()))

    one = delivery(handler)
    one.deliver_one()
    assert set(seen) == {(False, False)}
    assert Command.objects.get().state == "delivered"


def test_a_command_that_is_not_prolonged_is_lost_by_the_clock(delivery: Make, clock: FakeClock) -> None:
    """With the interpreter's lock held for longer than the lease, the handler sees it before any thread ran."""
    retry()
    seen: list[bool] = []

    def handler(command: RetryCommand) -> None:
        clock.advance(LEASE_SECONDS - 1)
        seen.append(command.lost)
        clock.advance(1)
        seen.append(command.lost)

    delivery(handler).deliver_one()
    assert seen == [False, True]
    # Nobody had taken it meanwhile: the token is still the newest, and its result counts.
    assert Command.objects.get().state == "delivered"


def test_what_a_lost_claim_reports_is_refused(delivery: Make, clock: FakeClock) -> None:
    """Another process took the command: the late result changes nothing, whoever comes first to the end."""
    retry()
    runs: list[str] = []

    def slow(command: RetryCommand) -> None:
        runs.append("slow")
        lapse()
        make_due()
        Command.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert delivery(second).deliver_one()
        assert one.prolong() == PROLONG_SECONDS
        assert command.lost

    def second(command: RetryCommand) -> None:
        runs.append("second")
        raise RuntimeError("not yet")

    one = delivery(slow)
    one.deliver_one()
    assert runs == ["slow", "second"]
    command = Command.objects.get()
    assert (command.state, command.handled, "not yet" in command.last_error) == ("queued", 0, True)
    assert OperationMark.objects.get().handled_version == 0


def test_each_claim_has_a_token_of_its_own(delivery: Make) -> None:
    """The same process claims the same command twice: its earlier claim is refused like anybody else's."""
    retry()
    tokens: list[UUID | None] = []

    def handler(command: RetryCommand) -> None:
        tokens.append(Command.objects.get().leased_by)
        raise RuntimeError("again")

    one = delivery(handler)
    for _ in range(2):
        one.deliver_one()
        make_due()
    assert len(set(tokens)) == 2


def test_an_unreachable_database_is_asked_again_soon(delivery: Make, clock: FakeClock) -> None:
    """One failed prolonging is no loss: it is tried again before the lease runs out."""
    retry()
    seen: list[bool] = []

    def handler(command: RetryCommand) -> None:
        fetch, one._store.fetch = one._store.fetch, _away  # type: ignore[method-assign]
        clock.advance(PROLONG_SECONDS)
        assert one.prolong() == PROLONG_AGAIN_SECONDS
        one._store.fetch = fetch  # type: ignore[method-assign]
        seen.append(command.lost)
        clock.advance(LEASE_SECONDS)
        seen.append(command.lost)
        one.prolong()
        seen.append(command.lost)

    one = delivery(handler)
    one.deliver_one()
    assert seen == [False, True, False]


def test_a_handler_that_hangs_is_reported(delivery: Make, clock: FakeClock) -> None:
    """Its lease is prolonged without end, so that nothing else would tell: the outbox and the process do."""
    retry()
    seen: list[object] = []

    def handler(command: RetryCommand) -> None:
        clock.advance(LONG_HANDLER_SECONDS)
        operations = OperationsClient(Runtime("test", clock, one._store, lambda: None))
        operations._delivery = one
        seen.extend(operations.problems())
        seen.append(outbox_depth_and_age().in_hand)

    one = delivery(handler)
    one.deliver_one()
    (problem, in_hand) = seen
    assert isinstance(problem, dict)
    assert (problem["rule"], in_hand) == (f"{KIND}.retry", 1)
    assert "for 10 min" in problem["message"]
    assert (one.handling(), outbox_depth_and_age().in_hand) == (None, 0)


def _away(*_: object, **__: object) -> None:
    raise StoreUnavailable("away")


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_a_handler_that_exits_fails_its_operation_alone(delivery: Make, error: BaseException) -> None:
    """`sys.exit()` in a handler is an error like any other: the other operations are done, and it is tried again."""
    retry(3)
    taken: list[str] = []

    def handler(command: RetryCommand) -> None:
        taken.append(command.operation_id)
        if len(taken) == 2:
            raise error

    assert delivery(handler).deliver_one()
    command = Command.objects.get()
    assert (command.state, command.handled, len(taken)) == ("queued", 2, 3)
    assert type(error).__name__ in command.last_error


class Bare(CommandRejected):
    """A backend's own refusal that does not call `CommandRejected.__init__`."""

    def __init__(self) -> None:
        Exception.__init__(self, "no such episode")


def test_a_bare_refusal_stops_no_other_operation(delivery: Make) -> None:
    """It is reported with what it says; the others of its command are done."""
    retry(3)
    taken: list[str] = []

    def handler(command: RetryCommand) -> None:
        taken.append(command.operation_id)
        if len(taken) == 2:
            raise Bare

    assert delivery(handler).deliver_one()
    command = Command.objects.get()
    assert (command.state, command.handled, len(taken)) == ("delivered", 2, 3)
    assert OperationMark.objects.filter(note__contains="no such episode").count() == 1


def test_a_command_that_ends_its_processes_is_a_dead_letter(delivery: Make) -> None:
    """Three processes took it and did not come back: nobody is given it any more, and it can be sent again."""
    retry()
    for _ in range(MAX_LAPSES):
        assert bury_exhausted() == 0
        _claim_and_die(delivery)
        lapse()
    assert not delivery(lambda command: None).deliver_one()
    assert bury_exhausted() == 1
    command = Command.objects.get()
    assert (command.state, "may end the process" in command.last_error) == ("dead", True)


def test_progress_shows_that_the_handler_comes_back(delivery: Make) -> None:
    """Kills of processes that had done some of its operations (a deployment) do not add up to a dead letter."""
    retry(2)
    _claim_and_die(delivery)
    lapse()
    _claim_and_die(delivery)
    lapse()
    one = delivery(lambda command: None)
    one.deliver_one()
    assert Command.objects.get().lapses == 0


class _Killed(Exception):
    pass


def _claim_and_die(delivery: Make) -> None:
    one = delivery(lambda command: None)
    one._work = _kill  # type: ignore[method-assign, assignment]
    with pytest.raises(_Killed):
        one.deliver_one()


def _kill(*_: object) -> None:
    raise _Killed


HOLDING = """
import ctypes, sys, time
from ops_client import OpsClient

def handler(command):
    print("taken", flush=True)
    if sys.argv[1] == "hold":
        ctypes.PyDLL(None).sleep(10)  # a call of C that keeps the interpreter's lock
    else:
        time.sleep(60)
    print("lost" if command.lost else "held", flush=True)

ops = OpsClient(service="holding", snapshot_path=None)
ops.operations.on_command("episode_assembly", retry=handler)
ops.start()
time.sleep(120)
"""


@pytest.fixture
def process(backend_dsn: str, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """A backend's process; what it says is in `said`."""
    started: list[subprocess.Popen[bytes]] = []

    def run(how: str) -> subprocess.Popen[bytes]:
        command = dying_with_parent([sys.executable, "-c", HOLDING, how])
        environment = os.environ | {"DATABASE_URL": backend_dsn}
        with (tmp_path / "said").open("wb") as output:
            started.append(subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=output))
        until(lambda: "taken" in said(tmp_path), 60, "the handler's start")
        return started[-1]

    yield run
    for each in started:
        each.kill()
        each.wait()


def said(directory: Path) -> str:
    return (directory / "said").read_text()


@pytest.mark.process
def test_the_lease_survives_ten_seconds_of_a_held_interpreter(
    process: Callable[[str], subprocess.Popen[bytes]], delivery: Make, tmp_path: Path
) -> None:
    """No thread of the process runs for 10 s, the prolonging one neither: the command stays its own."""
    retry()
    process("hold")
    taken: list[RetryCommand] = []
    other = delivery(taken.append)
    until(lambda: has_ended(other, tmp_path), 60, "the handler's end")
    assert said(tmp_path).split() == ["taken", "held"]
    assert taken == []


@pytest.mark.process
def test_after_a_kill_the_command_waits_for_no_more_than_the_lease(
    process: Callable[[str], subprocess.Popen[bytes]], delivery: Make
) -> None:
    """A killed process is not waited for longer than its lease, and no other wait is added to it."""
    retry()
    killed = process("sleep")
    killed.kill()
    killed.wait()
    assert 0 < lease_seconds() <= LEASE_SECONDS
    lapse()
    taken: list[str] = []
    assert delivery(lambda command: taken.append(command.operation_id)).deliver_one()
    assert len(taken) == 1


def has_ended(other: Delivery, directory: Path) -> bool:
    """Whether the handler has said how it stands; while it has not, another process asks for its command."""
    if len(said(directory).split()) > 1:
        return True
    other.deliver_one()
    return False
