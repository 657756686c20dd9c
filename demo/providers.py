"""Fake AssemblyAI, Gemini, Auphonic, ElevenLabs and GCS, each with a dial for its faults."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

# How long a caller waits for an answer before it gives up.
CALL_TIMEOUT_SECONDS = 2.0

Sleep = Callable[[float], None]


class ProviderError(Exception):
    """The provider answered with an error; `status` is its HTTP status."""

    def __init__(self, provider: str, status: int) -> None:
        super().__init__(f"{provider} answered {status}")
        self.status = status


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider, 504)


@dataclass(frozen=True)
class Dial:
    """How badly a provider behaves: share of calls that fail, added latency, no answer at all, or an unpaid account."""

    error_rate: float = 0.0
    latency_ms: int = 0
    hang: bool = False
    unpaid: bool = False


class Provider:
    """One fake service; `dial` may be turned while calls are under way."""

    def __init__(self, name: str, answer: str, usual_ms: int, sleep: Sleep = time.sleep) -> None:
        self.name = name
        self.dial = Dial()
        self._answer = answer
        self._usual_ms = usual_ms
        self._sleep = sleep

    def require_paid(self) -> None:
        """Raises ProviderError with status 402 where the account has no credit left."""
        if self.dial.unpaid:
            raise ProviderError(self.name, 402)

    def call(self) -> str:
        """The provider's answer; raises ProviderError or ProviderTimeout as dialled."""
        self.require_paid()
        dial = self.dial
        seconds = (self._usual_ms + dial.latency_ms) / 1000
        if dial.hang or seconds >= CALL_TIMEOUT_SECONDS:
            self._sleep(CALL_TIMEOUT_SECONDS)
            raise ProviderTimeout(self.name)
        self._sleep(seconds)
        if random.random() < dial.error_rate:
            raise ProviderError(self.name, 503)
        return self._answer


def make_providers() -> tuple[Provider, ...]:
    """The five providers, all well."""
    return (
        Provider("assemblyai", "transcript of 1,204 words", 40),
        Provider("gemini", "show notes in three paragraphs", 60),
        Provider("auphonic", "loudness at -16 LUFS", 50),
        Provider("elevenlabs", "intro spoken in 4.2 s", 45),
        Provider("gcs", "object stored", 15),
    )
