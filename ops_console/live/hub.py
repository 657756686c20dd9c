"""One process's open pages, and the one connection that listens for all of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import structlog

from ops_console.live.listener import listen
from ops_console.live.topics import REFRESH, SIGNED_OUT, STATUS, signed_out_topic

log = structlog.get_logger(__name__)
MOST_PAGES = 1000
# Of one person, and from one address: many people may share one.
MOST_PAGES_OF_ONE = 30
MOST_PAGES_FROM_ONE = 300
# A page that does not say from when on it needs to hear is told what changed in this time.
RECENT_SECONDS = 3
# Clocks of several console hosts may differ by so much.
SKEW_SECONDS = 0.1
# Going from page to page leaves a moment with none open: the connection outlasts it.
LINGER_SECONDS = 30
_BACKOFF_SECONDS = (0.5, 1, 2, 5, 10)


class Subscriber:
    """A page's topics that are still to be sent: a set, so that a slow page costs no more than a quick one.

    `user_id` and `address` say whose it is. `is_ended` when that person's sessions were ended.
    """

    def __init__(self, user_id: int = 0, address: str = "") -> None:
        self.user_id, self.address = user_id, address
        self.is_ended = False
        self._pending: set[str] = set()
        self._wake = asyncio.Event()

    def put(self, topics: Iterable[str]) -> None:
        self._pending.update(topics)
        if self._pending:
            self._wake.set()

    def end(self) -> None:
        self.is_ended = True
        self._wake.set()

    async def take(self, seconds: float) -> list[str]:
        """What has changed, as soon as there is something; nothing after `seconds`, or when only the status changed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()
        taken, self._pending = self._pending, set()
        return [REFRESH] if REFRESH in taken else sorted(taken - {STATUS})


class Hub:
    """Listens while at least one page is open; tells all to refresh when notifications may have been missed."""

    def __init__(
        self,
        listen: Callable[[], AsyncIterator[set[str]]] = listen,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._listen = listen
        self._linger_seconds = linger_seconds
        self._subscribers: set[Subscriber] = set()
        self._changed_at: dict[str, float] = {}
        # From when on every notification was heard; None while the connection is not there.
        self._listening_since: float | None = None
        # Whether the database answered last; None before it was asked.
        self.reachable: bool | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping: asyncio.TimerHandle | None = None

    def is_full_for(self, user_id: int, address: str) -> bool:
        """Whether one more page is too many: for this process, this person, or this address."""
        if len(self._subscribers) >= MOST_PAGES:
            return True
        own = sum(each.user_id == user_id for each in self._subscribers)
        near = sum(each.address == address for each in self._subscribers)
        return own >= MOST_PAGES_OF_ONE or near >= MOST_PAGES_FROM_ONE

    @contextlib.asynccontextmanager
    async def subscribe(
        self, since: float | None = None, user_id: int = 0, address: str = ""
    ) -> AsyncIterator[Subscriber]:
        """A page's subscription, for as long as the block lasts. `since`: when the page began to be read."""
        subscriber = Subscriber(user_id, address)
        subscriber.put(self._changed(since))
        self._subscribers.add(subscriber)
        self.warm()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            self.warm()

    def warm(self) -> None:
        """Listen, for a while without a page too: one that is being read now will subscribe soon."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        if self._stopping:
            self._stopping.cancel()
        self._stopping = asyncio.get_running_loop().call_later(self._linger_seconds, self._stop_if_alone)

    def _stop_if_alone(self) -> None:
        if self._task and not self._subscribers:
            self._task.cancel()
            self._task = None
            self._listening_since = None
            self.reachable = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async for topics in self._listen():
                    failures = 0
                    self._set_reachable(True)
                    self._tell(topics)
            except Exception as error:  # noqa: BLE001 - whatever ends the listening, it begins again
                log.warning("live_connection_lost", error=str(error), attempt=failures)
            self._listening_since = None
            self._set_reachable(False)
            await asyncio.sleep(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)])
            failures += 1

    def _set_reachable(self, reachable: bool) -> None:
        if self.reachable == reachable:
            return
        self.reachable = reachable
        for subscriber in self._subscribers:
            subscriber.put({STATUS})

    def _tell(self, topics: set[str]) -> None:
        if ended := {topic for topic in topics if topic.startswith(SIGNED_OUT)}:
            topics = topics - ended
            for subscriber in self._subscribers:
                if signed_out_topic(subscriber.user_id) in ended:
                    subscriber.end()
        if REFRESH in topics:
            self._listening_since = time.time()
        self._changed_at.update(dict.fromkeys(topics - {REFRESH}, time.time()))
        for subscriber in self._subscribers:
            subscriber.put(topics)

    def _changed(self, since: float | None) -> set[str]:
        """What a page has missed. While the connection is being made, `refresh` comes with it."""
        if self._listening_since is None:
            return set()
        if since is not None and since < self._listening_since:
            return {REFRESH}
        start = time.time() - RECENT_SECONDS if since is None else since - SKEW_SECONDS
        return {topic for topic, at in self._changed_at.items() if at >= start}


_hubs: dict[Any, Hub] = {}


def hub() -> Hub:
    """This process's hub, on the event loop that serves it."""
    loop = asyncio.get_running_loop()
    for old in [other for other in _hubs if other.is_closed()]:
        del _hubs[old]
    return _hubs.setdefault(loop, Hub())
