"""Providers are called through their breakers; what stands in for them says so."""

from collections.abc import Iterator

import pytest
from httpx import Client

from demo.guards import PLACEHOLDERS, GuardedProvider, config_for
from demo.providers import Dial, Provider
from ops_client.breaker.breaker import Breaker
from ops_client.errors import BreakerOpen, FallbackExhausted
from ops_client.retry import without_waiting
from ops_client.testing import FakeClock

BROKEN = Dial(error_rate=1)


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with without_waiting():
        yield


def guarded(name: str, clock: FakeClock | None = None) -> GuardedProvider:
    provider = Provider(name, "fresh", 1, sleep=lambda seconds: None)
    breaker = Breaker(name, config_for(name), monotonic=(clock or FakeClock()).monotonic)
    return GuardedProvider(provider, breaker)


def test_well() -> None:
    """While the provider is well, it answers itself."""
    answer = guarded("gemini").ask()
    assert (answer.value, answer.link, answer.degraded) == ("fresh", "primary", False)


def test_placeholder_before_the_first_answer() -> None:
    """Nothing kept yet: the placeholder stands in."""
    provider = guarded("gemini")
    provider.provider.dial = BROKEN
    assert (provider.ask().link, provider.ask().value) == ("placeholder", PLACEHOLDERS["gemini"])


def test_last_answer_stands_in() -> None:
    """After one good answer, that one stands in."""
    provider = guarded("gemini")
    provider.ask()
    provider.provider.dial = BROKEN
    assert (provider.ask().link, provider.ask().value) == ("cached", "fresh")


def test_opens_and_leaves_the_provider_alone() -> None:
    """After enough failures calls are refused without being made."""
    provider = guarded("assemblyai")
    provider.provider.dial = BROKEN
    errors = []
    for _ in range(10):
        with pytest.raises(FallbackExhausted) as failure:
            provider.ask()
        errors.append(failure.value.errors["primary"])
    assert provider.state() == "open"
    assert isinstance(errors[-1], BreakerOpen)


def test_closes_again() -> None:
    """Mended, the provider is probed when its rest is over, and the breaker closes."""
    clock = FakeClock()
    provider = guarded("assemblyai", clock)
    provider.provider.dial = BROKEN
    for _ in range(5):
        with pytest.raises(FallbackExhausted):
            provider.ask()
    provider.provider.dial = Dial()
    clock.advance(60)
    provider.ask()
    assert provider.state() == "closed"


@pytest.mark.parametrize(("name", "failures"), [("gemini", 5), ("gcs", 10)])
def test_failures_that_open(name: str, failures: int) -> None:
    """Five failures open a breaker, ten that of the file store."""
    config = config_for(name)
    assert config.minimum_calls == failures


def test_routes_tell_what_happened(client: Client) -> None:
    """A broken provider without substitute answers 502, then 503 with Retry-After while it is left alone."""
    client.post("/faults", json={"gcs": {"error_rate": 1}})
    answers = [client.post("/providers/gcs") for _ in range(12)]
    client.post("/faults", json={"gcs": {}})
    assert {answer.status_code for answer in answers} == {502, 503}
    assert answers[-1].status_code == 503
    assert int(answers[-1].headers["retry-after"]) > 0
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_stand_in_is_no_error(client: Client) -> None:
    """With a substitute the answer is 200, and says that it is one."""
    client.post("/faults", json={"elevenlabs": {"error_rate": 1}})
    answer = client.post("/providers/elevenlabs")
    client.post("/faults", json={"elevenlabs": {}})
    assert (answer.status_code, answer.json()["degraded"]) == (200, True)
    assert answer.json()["answered_by"] == "placeholder"


def test_states(client: Client) -> None:
    """The states of all breakers can be read."""
    assert set(client.get("/providers").json()) == {"assemblyai", "gemini", "auphonic", "elevenlabs", "gcs"}


def test_unknown_provider(client: Client) -> None:
    """An unknown name is a 404, never another provider's breaker."""
    assert client.post("/providers/nobody").status_code == 404
