"""A named chain of fallbacks, best first, that reports which of them answered."""

import inspect
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ops_client.errors import FallbackExhausted, InvalidInput

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A value, the link that gave it, and what the links before it raised. `degraded`: not the first link."""

    value: Value
    link: str
    degraded: bool = False
    errors: dict[str, Exception] = field(default_factory=dict)


class FallbackChain(Generic[Value]):
    """Calls its links in order until one answers; every use is counted by link. Safe between threads."""

    def __init__(
        self,
        name: str,
        links: dict[str, Callable[..., Any]],
        falls_on: tuple[type[Exception], ...],
        on_use: Callable[[str, str], None] | None,
    ) -> None:
        if not links:
            raise InvalidInput("links", "a fallback chain needs at least one link, such as primary=...")
        self.name = name
        self._links = links
        self._falls_on = falls_on
        self._on_use = on_use
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Answer[Value]:
        """Ask every link with these arguments. Raises FallbackExhausted when none could answer."""
        errors: dict[str, Exception] = {}
        for link, function in self._links.items():
            try:
                value = function(*args, **kwargs)
            except self._falls_on as error:
                errors[link] = error
                continue
            return self._answer(value, link, errors)
        raise self._exhausted(errors)

    async def acall(self, *args: Any, **kwargs: Any) -> Answer[Value]:
        """The same for links that may be `async`."""
        errors: dict[str, Exception] = {}
        for link, function in self._links.items():
            try:
                value = function(*args, **kwargs)
                if inspect.isawaitable(value):
                    value = await value
            except self._falls_on as error:
                errors[link] = error
                continue
            return self._answer(value, link, errors)
        raise self._exhausted(errors)

    def uses(self) -> dict[str, int]:
        """How often each link answered in this process; "none" counts the times when no link did."""
        with self._lock:
            return dict(self._uses)

    def _answer(self, value: Value, link: str, errors: dict[str, Exception]) -> Answer[Value]:
        self._count(link)
        return Answer(value, link, bool(errors), errors)

    def _exhausted(self, errors: dict[str, Exception]) -> FallbackExhausted:
        self._count("none")
        return FallbackExhausted(self.name, errors)

    def _count(self, link: str) -> None:
        with self._lock:
            self._uses[link] += 1
        if self._on_use is not None:
            self._on_use(self.name, link)


def with_fallback(
    name: str,
    *,
    falls_on: tuple[type[Exception], ...] = (Exception,),
    on_use: Callable[[str, str], None] | None = None,
    **links: Callable[..., Any],
) -> FallbackChain[Any]:
    """Name a chain: `with_fallback("cover", primary=draw, cached=last_cover, placeholder=grey, manual=ask)`.

    The next link is asked when one raises what `falls_on` names; anything else is raised as it is. `on_use`
    hears (chain, link) at every use.
    """
    return FallbackChain(name, links, falls_on, on_use)
