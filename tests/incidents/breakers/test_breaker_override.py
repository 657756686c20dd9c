"""What an operator's override does to calls, in every process and without asking again."""

from collections.abc import Callable

import pytest

from incidents.breakers import services
from incidents.breakers.services import Order
from ops_client.breaker.machine import Status
from ops_client.errors import BreakerOpen
from ops_client.testing import FakeClock
from tests.incidents.breakers.nodes import Node
from tests.people import actor

MakeNode = Callable[..., Node]


def order(mode: str, seconds: float = 3600) -> None:
    services.override(actor(), "gemini", Order(mode, "vendor asked", seconds, 0))


def test_forced_open_refuses_every_call_in_every_process(node: MakeNode) -> None:
    """Two healthy processes refuse, and say when the order ends."""
    nodes = [node(), node()]
    order("force_open", 900)
    for one in nodes:
        one.read()
        assert one.breaker.status() is Status.OPEN
        with pytest.raises(BreakerOpen) as refused:
            one.breaker.call(int)
        assert 850 < refused.value.retry_after_seconds <= 900


def test_an_override_ends_by_itself(node: MakeNode) -> None:
    """Its time over, calls go through again with nothing read and nobody told: the process kept the time."""
    clock = FakeClock()
    one = node(clock=clock)
    order("force_open", 900)
    one.read()
    with pytest.raises(BreakerOpen):
        one.breaker.call(int)
    clock.advance(901)
    assert one.breaker.status() is Status.CLOSED
    assert one.breaker.call(lambda: 7) == 7


def test_taken_back_it_is_gone(node: MakeNode) -> None:
    """After clear the next snapshot lets calls through."""
    one = node()
    order("force_open")
    one.read()
    services.clear(actor(), "gemini", 1)
    one.read()
    assert one.breaker.call(lambda: 7) == 7


def test_forced_closed_lets_calls_through_and_still_counts(node: MakeNode) -> None:
    """A breaker forced closed never opens, and its failing calls are still seen."""
    one = node()
    one.fail()
    with pytest.raises(BreakerOpen):
        one.breaker.call(int)
    one.breaker.take_tally()
    order("force_closed")
    one.read()
    one.fail(50)
    assert one.breaker.call(lambda: 7) == 7
    assert one.breaker.take_tally().failures == 50


def test_disabled_counts_nothing(node: MakeNode) -> None:
    """A disabled breaker is as if it were not there."""
    one = node()
    order("disabled")
    one.read()
    one.breaker.take_tally()
    one.fail(50)
    assert one.breaker.call(lambda: 7) == 7
    assert not one.breaker.take_tally()


def test_an_override_wins_over_the_fleets_state(node: MakeNode) -> None:
    """Open for all and forced closed: calls go through."""
    one = node()
    one.fail()
    one.publish()
    order("force_closed")
    one.read()
    assert one.breaker.call(lambda: 7) == 7
