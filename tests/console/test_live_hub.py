"""The hub: one listener for all pages, and nobody misses a change for long."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from django.test import RequestFactory

from ops_console.live import views
from ops_console.live.hub import Hub
from ops_console.live.topics import LIVE_CHANNEL, REVISION_CHANNEL, topics_of
from ops_console.live.views import _since, events

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
            assert await page.take(SOON) == [], "the status has changed, and no topic"
            assert await page.take(SOON) == ["refresh"]
            assert source.connections == 2

    run(story)


def test_a_sign_out_closes_that_person_s_streams() -> None:
    """Nobody else's, and nobody's page is told of it; a text that is no id closes none."""
    assert topics_of(LIVE_CHANNEL, json.dumps({"topic": "signed_out", "user": 17})) == {"signed_out:17"}
    assert topics_of(LIVE_CHANNEL, json.dumps({"topic": "signed_out", "user": "17"})) == set()

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe(user_id=18) as other:
            assert await other.take(SOON) == ["refresh"]
            stream = events(hub, user_id=17)
            assert (await anext(stream)).startswith("retry")
            await source.queue.put({"signed_out:17"})
            told = [text async for text in stream]
            assert not any("signed_out" in text for text in told)
            assert await other.take(0.01) == [] and not other.is_ended

    run(story)


def test_pages_of_one_person_and_from_one_address_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others still get their stream."""
    monkeypatch.setattr("ops_console.live.hub.MOST_PAGES_OF_ONE", 2)
    monkeypatch.setattr("ops_console.live.hub.MOST_PAGES_FROM_ONE", 3)

    async def story(source: Source, hub: Hub) -> None:
        async with hub.subscribe(user_id=1, address="a"), hub.subscribe(user_id=1, address="a"):
            assert hub.is_full_for(1, "b") and not hub.is_full_for(2, "a")
            async with hub.subscribe(user_id=2, address="a"):
                assert hub.is_full_for(3, "a") and not hub.is_full_for(3, "b")

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


def test_a_page_that_was_read_while_the_hub_listened_reads_nothing_again() -> None:
    """A page names when it was read: only what changed since is sent, and nothing when nothing did."""

    async def story(source: Source, hub: Hub) -> None:
        hub.warm()
        async with hub.subscribe() as first:
            assert await first.take(SOON) == ["refresh"]
            await source.queue.put({"flags"})
            assert await first.take(SOON) == ["flags"]
            await asyncio.sleep(0.2)
            read_at = time.time()
            async with hub.subscribe(read_at) as second:
                assert await second.take(0.05) == []
            await source.queue.put({"quotas"})
            assert await first.take(SOON) == ["quotas"]
            async with hub.subscribe(read_at) as third:
                assert await third.take(SOON) == ["quotas"]

    run(story)


def test_a_page_that_was_read_before_the_hub_listened_is_read_again() -> None:
    """What changed before the connection was there was heard by nobody."""

    async def story(source: Source, hub: Hub) -> None:
        read_at = time.time()
        async with hub.subscribe() as first:
            await first.take(SOON)
            async with hub.subscribe(read_at) as second:
                assert await second.take(SOON) == ["refresh"]
            await source.queue.put(None)
            await asyncio.sleep(0)
            async with hub.subscribe(time.time()) as third:
                assert await third.take(SOON) == ["refresh"], "the connection broke after the page was read"

    run(story)


def test_a_broken_stream_goes_on_where_it_ended() -> None:
    """Each event carries the time as its id, which the browser sends when it connects again."""

    async def story(source: Source, hub: Hub) -> None:
        text = "".join([chunk async for chunk in events(hub, longest_seconds=0.05)])
        (last,) = set(re.findall(r"^id: (.+)$", text, re.M)[-1:])
        assert abs(float(last) - time.time()) < 60
        assert seen_from({"Last-Event-ID": last, "since": "1.5"}) == float(last)
        assert seen_from({"since": "1.5"}) == 1.5
        assert [seen_from({"since": text}) for text in ("", "nan", "inf", "-1", "9e99", "x")] == [None] * 6

    run(story)


def seen_from(said: dict[str, str]) -> float | None:
    """The time that a request for the stream names."""
    headers = {"Last-Event-ID": said["Last-Event-ID"]} if "Last-Event-ID" in said else {}
    return _since(RequestFactory(headers=headers).get("/live", {"since": said.get("since", "")}))


def test_a_page_is_told_at_once_when_the_database_is_lost_and_back() -> None:
    """The status comes with the break, not with the next heartbeat, and again when listening begins anew."""

    async def story(source: Source, hub: Hub) -> None:
        stream = events(hub)
        assert await anext(stream) == "retry: 2000\n\n"
        told = [status_of(await anext(stream))]
        await source.queue.put(None)
        told += [status_of(await anext(stream)) for _ in range(2)]
        assert told == [True, False, True]
        await stream.aclose()

    run(story)


def test_the_status_is_told_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that hears nothing knows that the server is gone."""
    monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 0.01)

    async def story(source: Source, hub: Hub) -> None:
        stream = events(hub)
        chunks = [await anext(stream) for _ in range(4)]
        assert [status_of(chunk) for chunk in chunks[2:]] == [True, True]
        assert "event: refresh" not in chunks[3]
        await stream.aclose()

    run(story)


def test_a_database_that_was_never_reached_is_told() -> None:
    """The first connection that fails is a break as well."""

    async def listen() -> AsyncIterator[set[str]]:
        raise OSError("no such host")
        yield set()

    async def story(source: Source, hub: Hub) -> None:
        broken = Hub(listen, linger_seconds=0)
        stream = events(broken)
        await anext(stream)
        assert status_of(await anext(stream)) is False
        await stream.aclose()

    run(story)


def status_of(chunk: str) -> bool | None:
    """What a part of the stream says of the database."""
    said = json.loads(chunk.split("event: status\n")[1].split("data: ")[1])
    found: bool | None = said["database"]
    return found


def test_the_stream_names_topics_and_ends() -> None:
    """A stream is server-sent events, and does not outlive its time: whoever signed out is not let on."""

    async def story(source: Source, hub: Hub) -> None:
        text = "".join([chunk async for chunk in events(hub, longest_seconds=0.05)])
        assert text.startswith("retry: ")
        assert re.search(r"event: refresh\nid: [0-9.]+\ndata: {}\n\n", text)

    run(story)


@pytest.mark.parametrize(
    ("channel", "payload", "topics"),
    [
        (LIVE_CHANNEL, '{"topic": "operations"}', {"operations"}),
        (REVISION_CHANNEL, "flags", {"flags", "audit"}),
        (REVISION_CHANNEL, "", set()),
        (LIVE_CHANNEL, '{"topic": "x\\n\\nevent: evil"}', set()),
        (LIVE_CHANNEL, '{"topic": ["flags"]}', set()),
        (LIVE_CHANNEL, "not json", set()),
        (LIVE_CHANNEL, "[]", set()),
        (REVISION_CHANNEL, "refresh", set()),
    ],
)
def test_only_our_topics_pass(channel: str, payload: str, topics: set[str]) -> None:
    """Any role may NOTIFY: a payload that is not ours reaches no page."""
    assert topics_of(channel, payload) == topics
