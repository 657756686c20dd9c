"""Breakers of several processes on one real database."""

from collections.abc import Callable

import psycopg
import pytest

from ops_client.breaker.machine import BreakerConfig
from ops_client.errors import BreakerOpen, StoreUnavailable
from ops_client.testing import FakeClock
from tests.crowd import through_at_once
from tests.incidents.breakers.nodes import Node

MakeNode = Callable[..., Node]


def shared(owner: psycopg.Connection) -> tuple[str, int]:
    row = owner.execute("SELECT status, epoch FROM ops.breakers_breaker").fetchone()
    assert row
    return row[0], row[1]


def revision(owner: psycopg.Connection) -> int:
    row = owner.execute("SELECT revision FROM ops_v1.revision").fetchone()
    assert row
    return int(row[0])


def let_open_time_pass(owner: psycopg.Connection) -> None:
    owner.execute("UPDATE ops.breakers_breaker SET since = since - interval '1 hour'")


def lose_probe(owner: psycopg.Connection) -> None:
    owner.execute("UPDATE ops.breakers_breaker SET probe_until = now() - interval '1 s'")


def open_for_all(node: Node) -> None:
    node.fail()
    node.publish()
    node.read()


def get_probe(node: Node) -> None:
    """A caller comes when the probe is due, and the process takes the lease."""
    with pytest.raises(BreakerOpen):
        node.breaker.call(int)
    node.publish()


def test_a_breaker_is_registered_once(node: MakeNode, owner: psycopg.Connection) -> None:
    """A second process with the same settings writes nothing and raises no revision."""
    node()
    before = revision(owner)
    node()
    assert revision(owner) == before
    assert owner.execute("SELECT name, config ->> 'open_seconds' FROM ops_v1.breaker").fetchall() == [("gemini", "60")]


def test_new_settings_replace_the_old(node: MakeNode, owner: psycopg.Connection) -> None:
    """A process with a newer version of the code brings its settings."""
    node()
    node(BreakerConfig.consecutive(9, open_seconds=5))
    assert owner.execute("SELECT config ->> 'window_calls' FROM ops_v1.breaker").fetchall() == [("9",)]


def test_one_process_alone_is_its_own_quorum(node: MakeNode, owner: psycopg.Connection) -> None:
    """With one living process its local trip opens the shared breaker."""
    open_for_all(node())
    assert shared(owner) == ("open", 1)


def test_one_bad_process_does_not_open_it_for_all(node: MakeNode, owner: psycopg.Connection) -> None:
    """One of three trips: it is protected itself, the others go on calling."""
    bad, *others = node(), node(), node()
    open_for_all(bad)
    assert shared(owner)[0] == "closed"
    with pytest.raises(BreakerOpen):
        bad.breaker.call(int)
    assert [one.breaker.call(lambda: 7) for one in others] == [7, 7]


def test_a_quorum_opens_it_for_all(node: MakeNode, owner: psycopg.Connection) -> None:
    """Two of three trip: the third is refused too, without a failure of its own."""
    first, second, third = node(), node(), node()
    open_for_all(first)
    open_for_all(second)
    assert shared(owner)[0] == "open"
    third.read()
    with pytest.raises(BreakerOpen):
        third.breaker.call(int)
    cause = owner.execute("SELECT cause FROM ops.breakers_transition").fetchone()
    assert cause == ("2 of 3 processes found it failing",)


def test_the_rate_over_all_processes_opens_it(node: MakeNode, owner: psycopg.Connection) -> None:
    """Nobody sees enough calls to judge by itself, but together they do."""
    config = BreakerConfig(window_calls=10, minimum_calls=4)
    nodes = [node(config) for _ in range(3)]
    for one in nodes:
        one.fail(2)
        one.publish()
    assert shared(owner)[0] == "open"


def test_processes_that_are_gone_have_no_say(node: MakeNode, owner: psycopg.Connection) -> None:
    """Of three processes two stopped reporting: the third is the quorum."""
    last = node()
    node(), node()
    owner.execute(
        "UPDATE ops.contract_instance SET seen_at = now() - interval '1 min' WHERE id <> %s", [last.runtime.instance_id]
    )
    open_for_all(last)
    assert shared(owner)[0] == "open"


def test_half_open_lets_one_of_eighty_callers_through(node: MakeNode, owner: psycopg.Connection) -> None:
    """Four processes with twenty threads each at the end of the open time: one probe in all."""
    nodes = [node() for _ in range(4)]
    for one in nodes:
        open_for_all(one)
    let_open_time_pass(owner)
    for one in nodes:
        one.read()
        get_probe(one)
    assert shared(owner)[0] == "half_open"
    assert sum(through_at_once(one.breaker) for one in nodes) == 1


def test_a_good_probe_closes_it_for_all(node: MakeNode, owner: psycopg.Connection) -> None:
    """The probe's process tells the others, and all call again."""
    first, second = node(), node()
    open_for_all(first)
    open_for_all(second)
    let_open_time_pass(owner)
    first.read()
    get_probe(first)
    assert first.breaker.call(lambda: 7) == 7
    first.publish()
    assert shared(owner) == ("closed", 3)
    second.read()
    assert second.breaker.call(lambda: 8) == 8


def test_a_failed_probe_opens_it_again(node: MakeNode, owner: psycopg.Connection) -> None:
    """The open time begins anew."""
    one = node()
    open_for_all(one)
    let_open_time_pass(owner)
    one.read()
    get_probe(one)
    one.fail(1)
    one.publish()
    assert shared(owner) == ("open", 3)
    one.read()
    with pytest.raises(BreakerOpen) as refused:
        one.breaker.call(int)
    assert 50 < refused.value.retry_after_seconds <= 60


def test_a_lost_probe_gives_way_and_its_result_is_dropped(node: MakeNode, owner: psycopg.Connection) -> None:
    """When the lease runs out another process probes; what the first one says then changes nothing."""
    first, second = node(), node()
    open_for_all(first)
    open_for_all(second)
    let_open_time_pass(owner)
    first.read()
    get_probe(first)
    with first.breaker:
        lose_probe(owner)
        second.read()
        get_probe(second)
    first.publish()
    assert shared(owner) == ("half_open", 3)
    second.fail(1)
    second.publish()
    assert shared(owner) == ("open", 4)


def test_the_probe_is_not_given_before_its_time(node: MakeNode, owner: psycopg.Connection, backend_dsn: str) -> None:
    """The database's clock decides, whatever a process believes; and nobody closes what he did not probe."""
    open_for_all(node())
    with psycopg.connect(backend_dsn, autocommit=True) as connection:
        early = connection.execute("SELECT ops_v1.take_probe('gemini', 1, 's', gen_random_uuid())").fetchone()
        close = "SELECT ops_v1.move_breaker('gemini', 1, 'closed', 'because', 's', gen_random_uuid())"
        closed = connection.execute(close).fetchone()
    assert (early, closed) == ((None,), (None,))
    assert shared(owner) == ("open", 1)


def test_moves_raise_the_revision_and_counts_do_not(node: MakeNode, owner: psycopg.Connection) -> None:
    """Other processes are told of a transition, and of nothing else."""
    one = node()
    before = revision(owner)
    for _ in range(20):
        one.breaker.call(int)
        one.publish()
    assert revision(owner) == before
    open_for_all(one)
    assert revision(owner) == before + 1


def test_a_lost_race_raises_no_revision(node: MakeNode, owner: psycopg.Connection, backend_dsn: str) -> None:
    """A compare-and-set that comes too late writes nothing."""
    open_for_all(node())
    before = revision(owner)
    with psycopg.connect(backend_dsn, autocommit=True) as connection:
        connection.execute("SELECT ops_v1.move_breaker('gemini', 0, 'open', 'late', 's', gen_random_uuid())")
    assert revision(owner) == before


def test_calls_of_all_processes_add_up(node: MakeNode, owner: psycopg.Connection) -> None:
    """Two processes' counts of one minute become one row a service."""
    first, second = node(), node()
    for one in (first, second):
        one.breaker.call(int)
        one.fail(1)
        one.publish()
    totals = owner.execute(
        "SELECT sum(attempts), sum(failures), sum(final_calls), sum(final_failures) FROM ops.telemetry_providerminute"
    ).fetchone()
    assert totals == (4, 2, 4, 2)


def test_without_a_database_it_opens_and_probes_by_itself(node: MakeNode, owner: psycopg.Connection) -> None:
    """Cut off, a process trips, waits, probes and closes on its own; calls never wait for the database."""
    clock = FakeClock()
    one = node(clock=clock)
    one.store.away = True
    one.fail()
    with pytest.raises(BreakerOpen):
        one.breaker.call(int)
    clock.advance(61)
    assert one.breaker.call(lambda: 7) == 7
    assert one.breaker.call(lambda: 8) == 8


def test_cut_off_while_open_it_probes_alone_and_tells_later(node: MakeNode, owner: psycopg.Connection) -> None:
    """A shared open state does not outlive its time because the database is away; the way back closes it for all."""
    clock = FakeClock()
    one = node(clock=clock)
    open_for_all(one)
    one.store.away = True
    clock.advance(61)
    with pytest.raises(BreakerOpen):
        one.breaker.call(int)
    with pytest.raises(StoreUnavailable):
        one.publish()
    assert one.breaker.call(lambda: 7) == 7
    assert one.breaker.call(lambda: 8) == 8
    one.store.away = False
    let_open_time_pass(owner)
    one.publish()
    assert shared(owner) == ("closed", 3)


def test_counts_outlive_an_outage(node: MakeNode, owner: psycopg.Connection) -> None:
    """What could not be written is written when the database is back."""
    one = node()
    one.store.away = True
    one.breaker.call(int)
    with pytest.raises(StoreUnavailable):
        one.publish()
    one.store.away = False
    one.breaker.call(int)
    one.publish()
    assert owner.execute("SELECT sum(attempts) FROM ops.telemetry_providerminute").fetchone() == (2,)
