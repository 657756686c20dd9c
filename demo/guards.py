"""Providers as the backend calls them: behind a breaker, tried twice, with what answers in their stead."""

from typing import Any

from demo.providers import Provider, ProviderError
from ops_client.breaker.breaker import Breaker
from ops_client.breaker.machine import BreakerConfig
from ops_client.errors import BreakerOpen
from ops_client.fallback import Answer, with_fallback
from ops_client.retry import RetryPolicy, retry_with_backoff

# Open for shorter than one would in production, so that a recovery can be watched.
OPEN_SECONDS = 20.0
USUAL = BreakerConfig(
    failure_rate=0.5, minimum_calls=5, window_calls=10, slow_call_seconds=1.0, open_seconds=OPEN_SECONDS
)
CONFIGS = {"gcs": BreakerConfig(failure_rate=0.5, minimum_calls=10, window_calls=20, open_seconds=OPEN_SECONDS)}
RETRY = RetryPolicy(attempts=2, base_seconds=0.05, deadline_seconds=5.0)

# Where something else will do; a transcript and a stored file have no substitute.
PLACEHOLDERS = {
    "gemini": "show notes to follow",
    "auphonic": "the recording as it came",
    "elevenlabs": "a chime in place of the spoken intro",
}


class NothingKept(Exception):
    """There is no earlier answer to give."""


class GuardedProvider:
    """One provider and its breaker; `ask` is what routes call."""

    def __init__(self, provider: Provider, breaker: Breaker) -> None:
        self.provider = provider
        self.breaker = breaker
        self._kept: str | None = None
        self._attempt = retry_with_backoff(RETRY)(breaker(provider.call))
        self._chain = with_fallback(provider.name, falls_on=(ProviderError, BreakerOpen, NothingKept), **self._links())

    def ask(self) -> Answer[str]:
        """An answer and the link that gave it. Raises FallbackExhausted when no link could."""
        with self.breaker.final():
            return self._chain()

    def state(self) -> str:
        """What a caller in this process meets: closed, open or half_open."""
        return self.breaker.status().value

    def _links(self) -> dict[str, Any]:
        placeholder = PLACEHOLDERS.get(self.provider.name)
        if placeholder is None:
            return {"primary": self._primary}
        return {"primary": self._primary, "cached": self._cached, "placeholder": lambda: placeholder}

    def _primary(self) -> str:
        self._kept = self._attempt()
        return self._kept

    def _cached(self) -> str:
        if self._kept is None:
            raise NothingKept(f"{self.provider.name} has not answered yet in this process")
        return self._kept


def config_for(provider: str) -> BreakerConfig:
    """When the breaker of `provider` opens, and for how long."""
    return CONFIGS.get(provider, USUAL)
