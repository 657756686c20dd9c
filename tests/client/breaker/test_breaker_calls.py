"""Calls through a breaker of one process, on a clock of the test's own."""

import asyncio
import threading
from typing import Any

import pytest

from ops_client import OpsClient
from ops_client.breaker.breaker import Breaker
from ops_client.breaker.machine import BreakerConfig
from ops_client.breaker.tally import Tally
from ops_client.errors import BreakerOpen, InvalidInput, NotFound
from ops_client.testing import FakeClock, MemoryStore
from tests.crowd import through_at_once

THREE = BreakerConfig.consecutive(3, open_seconds=60)


class Boom(Exception):
    """A provider's failure."""


class Answer:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make(clock: FakeClock, name: str = "gemini", config: BreakerConfig = THREE, **options: Any) -> Breaker:
    return Breaker(name, config, monotonic=clock.monotonic, **options)


def fail(error: Exception | None = None) -> None:
    raise error or Boom


def fail_times(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Boom):
            breaker.call(fail)


def test_it_opens_and_says_when_to_come_back(clock: FakeClock) -> None:
    """After three failures in a row a call is refused, with the seconds that are left of the open time."""
    breaker = make(clock)
    fail_times(breaker, 3)
    clock.advance(20)
    with pytest.raises(BreakerOpen) as refused:
        breaker.call(fail)
    assert refused.value.retry_after_seconds == 40
    assert refused.value.breaker == "gemini"


@pytest.mark.parametrize("way", ["decorator", "with", "call"])
def test_every_way_of_calling_counts(clock: FakeClock, way: str) -> None:
    """As a decorator, a context manager and by `call`, failures open it and answers come through."""
    breaker = make(clock)

    def through(function: Any) -> Any:
        if way == "decorator":
            return breaker(function)()
        if way == "call":
            return breaker.call(function)
        with breaker:
            return function()

    assert through(lambda: 7) == 7
    for _ in range(3):
        with pytest.raises(Boom):
            through(fail)
    with pytest.raises(BreakerOpen):
        through(lambda: 7)


@pytest.mark.parametrize("way", ["decorator", "acall"])
def test_async_calls_count_when_they_end(clock: FakeClock, way: str) -> None:
    """An async function is guarded over its whole run, not only where it is called."""
    breaker = make(clock)

    async def failing() -> None:
        await asyncio.sleep(0)
        raise Boom

    async def thrice() -> None:
        for _ in range(3):
            with pytest.raises(Boom):
                await (breaker(failing)() if way == "decorator" else breaker.acall(failing))
        with pytest.raises(BreakerOpen):
            await (breaker(failing)() if way == "decorator" else breaker.acall(failing))

    asyncio.run(thrice())


def test_fifty_answers_of_503_open_it(clock: FakeClock) -> None:
    """A response that says 503 counts as a failure though nothing is raised."""
    breaker = make(clock, config=BreakerConfig(window_seconds=60, minimum_calls=50))
    for _ in range(50):
        assert breaker.call(Answer, 503).status_code == 503
    with pytest.raises(BreakerOpen):
        breaker.call(Answer, 200)


def test_answers_of_404_do_not(clock: FakeClock) -> None:
    """What the caller got wrong says nothing of the provider."""
    breaker = make(clock)
    for _ in range(50):
        breaker.call(Answer, 404)
    assert breaker.call(Answer, 200).status_code == 200


def test_what_counts_is_the_callers_to_say(clock: FakeClock) -> None:
    """With predicates of its own a breaker counts these errors and these answers, and no others."""
    breaker = make(
        clock,
        is_failure=lambda error: isinstance(error, KeyError),
        is_failed_answer=lambda answer: answer == "busy",
    )
    fail_times(breaker, 9)
    breaker.call(str, "busy")
    breaker.call(str, "busy")
    with pytest.raises(KeyError):
        breaker.call(fail, KeyError())
    with pytest.raises(BreakerOpen):
        breaker.call(str, "well")


def test_within_a_context_manager_an_answer_can_be_told(clock: FakeClock) -> None:
    """`attempt.answered(response)` makes a response count in a `with` block too."""
    breaker = make(clock)
    for _ in range(3):
        with breaker as attempt:
            attempt.answered(Answer(500))
    with pytest.raises(BreakerOpen), breaker:
        raise AssertionError("a refused block must not run")


def test_one_request_through_the_same_breaker_twice_counts_once(clock: FakeClock) -> None:
    """A guarded function that calls a guarded function is one attempt with one failure."""
    breaker = make(clock)
    inner = breaker(fail)
    outer = breaker(lambda: inner())
    with pytest.raises(Boom):
        outer()
    assert breaker.take_tally() == Tally(attempts=1, failures=1, final_calls=1, final_failures=1)


def test_a_failure_counts_for_the_provider_that_failed_only(clock: FakeClock) -> None:
    """A breaker around another does not count the error that the inner one has counted, even wrapped."""
    outer, inner = make(clock, "gemini"), make(clock, "gcs")

    def store_and_wrap() -> None:
        try:
            inner.call(fail)
        except Boom as error:
            raise RuntimeError("could not store") from error

    for _ in range(3):
        with pytest.raises(RuntimeError):
            outer.call(store_and_wrap)
    assert inner.take_tally().failures == 3
    assert outer.take_tally().failures == 0
    assert outer.call(lambda: "still closed") == "still closed"


def test_the_same_error_in_another_request_counts_again(clock: FakeClock) -> None:
    """An error object that is raised over and over counts each time: only nesting makes it one."""
    breaker, error = make(clock), Boom()
    for _ in range(3):
        with pytest.raises(Boom):
            breaker.call(fail, error)
    with pytest.raises(BreakerOpen):
        breaker.call(fail, error)


def test_tasks_side_by_side_are_not_nested(clock: FakeClock) -> None:
    """Two tasks of one request that call one provider at once are two attempts."""
    outer, provider = make(clock, "outer"), make(clock, "gcs")

    async def one() -> None:
        async def waiting() -> None:
            await asyncio.sleep(0)

        await provider.acall(waiting)

    async def both() -> None:
        await asyncio.gather(one(), one())

    asyncio.run(outer.acall(both))
    assert provider.take_tally().attempts == 2


def test_no_lock_is_held_during_the_call(clock: FakeClock) -> None:
    """While one call hangs, another goes through."""
    breaker, release = make(clock), threading.Event()
    hanging = threading.Thread(target=breaker.call, args=(release.wait, 10))
    hanging.start()
    assert breaker.call(lambda: "through") == "through"
    release.set()
    hanging.join()


def test_half_open_lets_one_of_twenty_threads_through(clock: FakeClock) -> None:
    """Twenty callers at the end of the open time: one probes, nineteen are refused."""
    breaker = make(clock)
    fail_times(breaker, 3)
    clock.advance(61)
    assert through_at_once(breaker) == 1


def test_a_probe_that_never_comes_back_gives_way(clock: FakeClock) -> None:
    """A cancelled probe settles nothing; when its lease runs out another caller probes."""
    breaker = make(clock)
    fail_times(breaker, 3)
    clock.advance(61)
    with pytest.raises(KeyboardInterrupt):
        breaker.call(fail, KeyboardInterrupt())
    with pytest.raises(BreakerOpen):
        breaker.call(lambda: 7)
    clock.advance(THREE.probe_seconds)
    assert breaker.call(lambda: 7) == 7
    assert breaker.call(lambda: 8) == 8


def test_a_late_result_of_an_older_epoch_is_dropped(clock: FakeClock) -> None:
    """A call that began before the breaker opened and closed again changes nothing when it fails at last."""
    breaker = make(clock, config=BreakerConfig.consecutive(1))
    late = breaker.admit()
    fail_times(breaker, 1)
    clock.advance(61)
    assert breaker.call(lambda: 7) == 7
    breaker.settle(late, failed=True, started_at=0)
    assert breaker.call(lambda: 8) == 8


def test_slow_calls_open_it(clock: FakeClock) -> None:
    """Calls that answer, but too late, open a breaker that has a slow limit."""
    breaker = make(clock, config=BreakerConfig(window_calls=3, minimum_calls=3, slow_call_seconds=5))
    for _ in range(3):
        breaker.call(clock.advance, 6)
    with pytest.raises(BreakerOpen):
        breaker.call(lambda: 7)


def test_a_final_call_is_counted_after_its_retries(clock: FakeClock) -> None:
    """Two failed attempts and a good one within `final()` are three attempts and one good final call."""
    breaker = make(clock)
    with breaker.final():
        fail_times(breaker, 2)
        breaker.call(lambda: 7)
    assert breaker.take_tally() == Tally(attempts=3, failures=2, final_calls=1)


def test_a_refusal_is_a_final_failure(clock: FakeClock) -> None:
    """Who was refused went without an answer, with `final()` as a decorator and without."""
    breaker = make(clock)
    fail_times(breaker, 3)
    breaker.take_tally()
    for refused in (breaker(fail), breaker.final()(breaker(fail))):
        with pytest.raises(BreakerOpen):
            refused()
    assert breaker.take_tally() == Tally(refused=2, final_calls=2, final_failures=2)


def test_async_final_calls_are_counted(clock: FakeClock) -> None:
    """`final()` around an async function counts its end."""
    breaker = make(clock)

    @breaker.final()
    @breaker
    async def failing() -> None:
        raise Boom

    with pytest.raises(Boom):
        asyncio.run(failing())
    assert breaker.take_tally() == Tally(attempts=1, failures=1, final_calls=1, final_failures=1)


def test_an_unknown_name_is_an_error() -> None:
    """A breaker that nobody registered is NotFound, whatever others there are."""
    ops = OpsClient(service="test", store=MemoryStore(), snapshot_path=None)
    ops.breaker("gemini", THREE)
    with pytest.raises(NotFound, match="gemimi"):
        ops.breaker("gemimi")
    assert ops.breaker("gemini") is ops.breaker("gemini", THREE)


def test_one_name_has_one_set_of_settings() -> None:
    """Registering a name again with other settings is refused, and so is a name that is none."""
    ops = OpsClient(service="test", store=MemoryStore(), snapshot_path=None)
    ops.breaker("gemini", THREE)
    with pytest.raises(InvalidInput, match="other settings"):
        ops.breaker("gemini", BreakerConfig.consecutive(4))
    with pytest.raises(InvalidInput, match="name"):
        ops.breaker("Gemini 2", THREE)
