"""The stream of events that an open page holds."""

import asyncio
import time
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from ops_console.live.hub import Hub, Subscriber, hub

HEARTBEAT_SECONDS = 15
# After one event the next waits this long and takes along what came meanwhile.
GATHER_SECONDS = 0.2
# A stream ends after this and the browser comes back: whoever was signed out in between does not.
LONGEST_SECONDS = 300


async def stream(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events named by topic. Without ASGI there is no stream: 204, and pages poll."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    here = hub()
    if here.is_full:
        return HttpResponse("Too many open pages.", status=503, headers={"Retry-After": "30"})
    return StreamingHttpResponse(
        _without_connection(events(here, since=_since(request))),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _without_connection(text: AsyncIterator[str]) -> AsyncIterator[str]:
    # Django returns a request's connection when its response has ended; a pool of ten would be ten open pages.
    await sync_to_async(connections.close_all)()
    async for chunk in text:
        yield chunk


def _since(request: HttpRequest) -> float | None:
    """From when on the page needs to hear: when it was read, or when its stream ended that now begins again."""
    said = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    try:
        since = float(said)
    except ValueError:
        return None
    return since if 0 < since <= time.time() else None


async def events(here: Hub, longest_seconds: float = LONGEST_SECONDS, since: float | None = None) -> AsyncIterator[str]:
    """The stream's text, heartbeats in silence included."""
    ends_at = time.monotonic() + longest_seconds
    async with here.subscribe(since) as subscriber:
        yield "retry: 2000\n\n"
        while (left := ends_at - time.monotonic()) > 0:
            yield await _next(subscriber, min(HEARTBEAT_SECONDS, left))
            await asyncio.sleep(GATHER_SECONDS)


async def _next(subscriber: Subscriber, seconds: float) -> str:
    topics = await subscriber.take(seconds)
    if not topics:
        return f": still here\n{_id()}\n\n"
    return "".join(f"event: {topic}\n{_id()}\ndata: {{}}\n\n" for topic in topics)


def _id() -> str:
    """The browser sends the last id when it connects again: what happened in between is told then."""
    return f"id: {time.time():.3f}"
