"""The hub: one listener for all pages, and nobody misses a change for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ops_console.live.hub import Hub
from ops_console.live.topics import LIVE_CHANNEL, REVISION_CHANNEL, topics_of
from ops_console.live.views import events

SOON = 5


class Source:
    """A listener that a test speaks through; `None` breaks the connection."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[set[str] | None] = asyncio.Queue()
        self.connections = 0

    async def listen(self) -> AsyncIterator[set[str]]:
        self.connections += 1
        yield {"refresh"}
        while (topics := await self.queue.get()) is not None:
            yield topics
        raise OSError("gone")


def run(story: Callable[[Source, Hub], Awaitable[None]]) -> None:
    async def tell() -> None:
        source = Source()
        await story(source, Hub(source.listen, linger_seconds=0))

    asyncio.run(tell())


def test_all_pages_share_one_connection() -> None:
    """Two pages hear the same change through one LISTEN."""

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe() as one, hub.subscribe() as two:
            assert await one.take(SOON) == await two.take(SOON) == ["refresh"]
            await source.queue.put({"flags", "audit"})
            assert await one.take(SOON) == await two.take(SOON) == ["audit", "flags"]
            assert source.connections == 1

    run(story)


def test_a_slow_page_is_told_each_topic_once() -> None:
    """What gathers for a page that does not read is bounded by the number of topics."""

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe() as slow:
            await slow.take(SOON)
            for _ in range(500):
                await source.queue.put({"operations"})
            await source.queue.put({"flags"})
            while not source.queue.empty():
                await asyncio.sleep(0)
            assert await slow.take(SOON) == ["flags", "operations"]
            assert await slow.take(0.01) == []

    run(story)


def test_a_lost_connection_is_made_again_and_everything_is_read_anew() -> None:
    """After a break the hub listens again and tells pages to refresh: notifications were lost meanwhile."""

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe() as page:
            assert await page.take(SOON) == ["refresh"]
            await source.queue.put(None)
            assert await page.take(SOON) == ["refresh"]
            assert source.connections == 2

    run(story)


def test_nothing_listens_when_no_page_is_open() -> None:
    """The connection goes with the last page, and comes back with the next."""

    async def story(source: Source, hub: Hub) -> None:
        for expected in (1, 2):
            async with hub.subscribe() as page:
                await page.take(SOON)
                assert source.connections == expected
            while hub._task:
                await asyncio.sleep(0.01)

    run(story)


def test_a_page_hears_of_what_changed_while_it_was_loading() -> None:
    """A change between a page's rendering and its subscription is told at once."""

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe() as first:
            await first.take(SOON)
            await source.queue.put({"breakers"})
            assert await first.take(SOON) == ["breakers"]
            async with hub.subscribe() as second:
                assert await second.take(SOON) == ["breakers"]

    run(story)


def test_the_stream_names_topics_and_ends() -> None:
    """A stream is server-sent events, and does not outlive its time: whoever signed out is not let on."""

    async def story(source: Source, hub: Hub) -> None:
        text = "".join([chunk async for chunk in events(hub, longest_seconds=0.05)])
        assert text.startswith("retry: ")
        assert "event: refresh\ndata: {}\n\n" in text

    run(story)


@pytest.mark.parametrize(
    ("channel", "payload", "topics"),
    [
        (LIVE_CHANNEL, '{"topic": "operations"}', {"operations"}),
        (REVISION_CHANNEL, '{"revision": 7, "topics": ["flags"]}', {"flags", "audit"}),
        (REVISION_CHANNEL, '{"revision": 7, "topics": []}', set()),
        (LIVE_CHANNEL, '{"topic": "x\\n\\nevent: evil"}', set()),
        (LIVE_CHANNEL, '{"topic": ["flags"]}', set()),
        (LIVE_CHANNEL, "not json", set()),
        (LIVE_CHANNEL, "[]", set()),
        (REVISION_CHANNEL, '{"topics": "flags"}', set()),
    ],
)
def test_only_our_topics_pass(channel: str, payload: str, topics: set[str]) -> None:
    """Any role may NOTIFY: a payload that is not ours reaches no page."""
    assert topics_of(channel, payload) == topics
