"""The fake providers fail as they are dialled."""

import pytest

from demo.providers import CALL_TIMEOUT_SECONDS, Dial, Provider, ProviderError, ProviderTimeout


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def provider(slept: list[float]) -> Provider:
    return Provider("gemini", "notes", 60, sleep=slept.append)


def test_well(provider: Provider, slept: list[float]) -> None:
    """Without a dial it answers in its usual time."""
    assert provider.call() == "notes"
    assert slept == [0.06]


def test_fails(provider: Provider) -> None:
    """With every call dialled to fail, every call fails as a 503."""
    provider.dial = Dial(error_rate=1)
    with pytest.raises(ProviderError) as error:
        provider.call()
    assert error.value.status == 503


def test_slow(provider: Provider, slept: list[float]) -> None:
    """Latency is added to the usual time."""
    provider.dial = Dial(latency_ms=500)
    provider.call()
    assert slept == [0.56]


@pytest.mark.parametrize("dial", [Dial(hang=True), Dial(latency_ms=60_000)])
def test_no_answer_in_time(provider: Provider, slept: list[float], dial: Dial) -> None:
    """A provider that hangs, or is slower than the caller waits, costs the caller's time-out and no more."""
    provider.dial = dial
    with pytest.raises(ProviderTimeout):
        provider.call()
    assert slept == [CALL_TIMEOUT_SECONDS]
