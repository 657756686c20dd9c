"""Trying again, with care."""

import asyncio
import io
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from ops_client.errors import BreakerOpen, InvalidInput, OpsError, StoreUnavailable
from ops_client.retry import (
    RetryBudget,
    RetryDetails,
    RetryPolicy,
    is_retryable,
    retry_after_seconds,
    retry_with_backoff,
    without_waiting,
)
from ops_client.testing import FakeClock


@pytest.fixture(autouse=True)
def no_waiting():
    with without_waiting():
        yield


class Flaky:
    """Fails with each of the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, *args, **kwargs) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


class Refused(Exception):
    """What an HTTP library raises for a status."""

    def __init__(self, status: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = SimpleNamespace(status_code=status, headers=named)


def run(flaky: Flaky, *args, asynchronous: bool = False, policy: RetryPolicy | None = None, **options) -> str:
    decorate = retry_with_backoff(policy or RetryPolicy(), budget=RetryBudget(), **options)
    if not asynchronous:
        return decorate(_plain(flaky))(*args)
    return asyncio.run(decorate(_awaited(flaky))(*args))


def _plain(flaky):
    def call(*args):
        return flaky(*args)

    return call


def _awaited(flaky):
    async def call(*args):
        return flaky(*args)

    return call


both = pytest.mark.parametrize("asynchronous", [False, True])


@both
def test_tries_again(asynchronous):
    """A call that fails twice and then works gives its answer, after three calls."""
    flaky = Flaky(ConnectionError(), TimeoutError())
    assert run(flaky, asynchronous=asynchronous) == "answer"
    assert flaky.calls == 3


@both
def test_success_is_one_call(asynchronous):
    """A call that works is made once."""
    flaky = Flaky()
    assert run(flaky, asynchronous=asynchronous) == "answer"
    assert flaky.calls == 1


@both
def test_gives_up_with_the_last_error(asynchronous):
    """After the last attempt the last error is raised as it is."""
    errors = [ConnectionError(str(n)) for n in range(9)]
    flaky = Flaky(*errors)
    with pytest.raises(ConnectionError) as caught:
        run(flaky, asynchronous=asynchronous, policy=RetryPolicy(attempts=4))
    assert flaky.calls == 4
    assert caught.value is errors[3]


@both
@pytest.mark.parametrize(
    "error", [ValueError(), Refused(400), Refused(500), OpsError("x", "x"), BreakerOpen("gemini", 5)]
)
def test_what_cannot_succeed_is_not_retried(asynchronous, error):
    """A call that would fail the same way again is made once."""
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        run(flaky, asynchronous=asynchronous)
    assert flaky.calls == 1


@both
def test_later_error_that_cannot_succeed_ends_it(asynchronous):
    """An error that no retry cures ends the retries when it comes later, too."""
    flaky = Flaky(ConnectionError(), ValueError("no"), ConnectionError())
    with pytest.raises(ValueError, match="no"):
        run(flaky, asynchronous=asynchronous)
    assert flaky.calls == 2


def test_open_breaker_is_left_alone_whatever_is_asked():
    """Even where every exception is to be retried, a resting provider is not."""
    flaky = Flaky(ConnectionError(), BreakerOpen("gemini", 5))
    with pytest.raises(BreakerOpen):
        run(flaky, retry_on=lambda error: True)
    assert flaky.calls == 2


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_answers_that_ask_for_a_retry(status):
    """Statuses that say "later" are retried."""
    assert is_retryable(Refused(status))


def test_our_own_errors_say_it_themselves():
    """An error of the client is retried where it says that it can be."""
    assert is_retryable(StoreUnavailable("away"))
    assert not is_retryable(InvalidInput("limit", "no"))


def test_jitter_is_full_and_capped():
    """Waits are drawn from nothing to the doubled base, at most the cap."""
    random.seed(7)
    policy = RetryPolicy(base_seconds=1, cap_seconds=5)
    for attempt, most in [(1, 1), (2, 2), (3, 4), (4, 5), (5000, 5)]:
        waits = [policy.wait_seconds(attempt, None) for _ in range(500)]
        assert min(waits) < 0.1 * most
        assert 0.9 * most < max(waits) <= most


def test_retry_after_is_a_floor():
    """No wait is shorter than what the other side asked for."""
    policy = RetryPolicy()
    assert all(policy.wait_seconds(1, Refused(429, Retry_After="7")) >= 7 for _ in range(100))


def test_retry_after_is_capped():
    """A Retry-After of a day is not waited for."""
    policy = RetryPolicy(retry_after_cap_seconds=10, cap_seconds=1)
    assert policy.wait_seconds(1, Refused(503, Retry_After="86400")) <= 11


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "",
        "-5",
        "nan",
        "inf",
        "9" * 5000,
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 21 Oct 99999999999 07:28:00 GMT",
        "Wed, 21 Oct 12345 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 +9999999",
        "Wed, 99 Oct 2015 07:28:00 GMT",
    ],
)
def test_odd_retry_after_is_nothing(value):
    """A Retry-After that says nothing usable adds nothing."""
    assert retry_after_seconds(Refused(429, Retry_After=value)) == 0


def test_an_absurd_retry_after_does_not_hide_the_error():
    """What the caller gets is the provider's error, not one of reading its headers."""
    absurd = Refused(503, Retry_After="Wed, 21 Oct 99999999999 07:28:00 GMT")
    with pytest.raises(Refused), without_waiting():
        run(Flaky(*[absurd] * 9))


@pytest.mark.parametrize("value", [10**400, object(), b"7", float("nan"), True])
def test_an_odd_attribute_is_nothing(value):
    """An error of another library may call anything retry_after_seconds."""
    error = Refused(503)
    error.retry_after_seconds = value
    assert retry_after_seconds(error) in (0, 1, 7)


def test_retry_after_as_a_date():
    """A Retry-After may be a date."""
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after_seconds(Refused(429, Retry_After=at)) <= 100


def test_deadline_is_for_the_whole():
    """A retry that would end after the deadline is not begun."""
    flaky = Flaky(*[Refused(503, Retry_After="8")] * 9)
    with pytest.raises(Refused):
        run(flaky, policy=RetryPolicy(attempts=9, deadline_seconds=7))
    assert flaky.calls == 1


def test_budget_bounds_a_process():
    """When the budget of a process is spent, the first error is the answer."""
    clock = FakeClock()
    budget = RetryBudget(per_second=1, burst=3, monotonic=clock.monotonic)
    assert [budget.take() for _ in range(5)] == [True, True, True, False, False]
    clock.advance(2)
    assert [budget.take() for _ in range(3)] == [True, True, False]


@both
def test_spent_budget_stops_retries(asynchronous):
    """Without budget a call is made once."""
    flaky = Flaky(ConnectionError())
    decorate = retry_with_backoff(budget=RetryBudget(0, 0))
    with pytest.raises(ConnectionError):
        if asynchronous:
            asyncio.run(decorate(_awaited(flaky))())
        else:
            decorate(_plain(flaky))()
    assert flaky.calls == 1


@both
def test_hook_hears_of_every_retry(asynchronous):
    """The hook is told name, attempt, wait and error before each wait."""
    heard: list[RetryDetails] = []
    first, second = ConnectionError(), TimeoutError()
    run(Flaky(first, second), asynchronous=asynchronous, on_retry=heard.append)
    assert [(each.attempt, each.error) for each in heard] == [(1, first), (2, second)]
    assert all(each.wait_seconds >= 0 and each.name.endswith("call") for each in heard)


def test_body_is_rewound():
    """A retried upload sends its whole body again, from where the file stood."""
    sent = []
    body = io.BytesIO(b"headerpayload")
    body.seek(6)

    @retry_with_backoff(budget=RetryBudget())
    def upload(*, files):
        sent.append(files["audio"][1].read())
        if len(sent) < 3:
            raise ConnectionError

    upload(files={"audio": ("a.wav", body)})
    assert sent == [b"payload"] * 3


@both
def test_body_that_is_spent_is_not_sent_empty(asynchronous):
    """A generator can be read once: the upload is not tried again with nothing in it."""
    flaky = Flaky(ConnectionError())
    with pytest.raises(ConnectionError):
        run(flaky, (part for part in [b"a"]), asynchronous=asynchronous)
    assert flaky.calls == 1


def test_waiting_can_be_turned_off():
    """In the test mode a minute's backoff takes no time."""
    started = time.monotonic()
    run(Flaky(Refused(429, Retry_After="50")), policy=RetryPolicy(deadline_seconds=100))
    assert time.monotonic() - started < 50


@pytest.mark.parametrize(
    ("field", "value"),
    [("attempts", 0), ("base_seconds", -1), ("cap_seconds", float("nan")), ("deadline_seconds", float("inf"))],
)
def test_bad_policy_is_refused(field, value):
    """A policy that cannot work is refused by its field's name."""
    with pytest.raises(InvalidInput) as caught:
        RetryPolicy(**{field: value})
    assert caught.value.field == field


def test_decorated_function_keeps_its_name():
    """A decorated function is still itself to who looks at it."""

    @retry_with_backoff()
    def transcribe():
        """Make text."""

    assert (transcribe.__name__, transcribe.__doc__) == ("transcribe", "Make text.")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_why_a_call_is_not_tried_again_is_said(asynchronous, caplog):
    """On the error and in the log: a stream that was hidden in an attribute would be sent empty."""
    flaky = Flaky(*[Refused(503)] * 9)
    with pytest.raises(Refused) as raised, without_waiting():
        run(flaky, SimpleNamespace(body=iter([1])), asynchronous=asynchronous)
    assert flaky.calls == 1
    assert "cannot be rewound" in raised.value.__notes__[0]
    assert [record.levelname for record in caplog.records if "cannot be rewound" in record.message] == ["WARNING"]


def test_the_object_of_a_method_is_not_its_body():
    """What it holds is kept across attempts, an iterator that numbers its calls for instance."""

    class Uploader:
        def __init__(self):
            self.numbers = iter(range(9))

        @retry_with_backoff(budget=RetryBudget())
        def send(self):
            number = next(self.numbers)
            if number < 2:
                raise Refused(503)
            return number

    with without_waiting():
        assert Uploader().send() == 2
