"""The stream of events that an open page holds."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from ops_console.access.actor import limited_address
from ops_console.live.hub import Hub, hub
from ops_console.live.topics import STATUS

# A page that hears nothing for longer than this takes the server for lost (static/js/connection.js).
HEARTBEAT_SECONDS = 5
# After one event the next waits this long and takes along what came meanwhile.
GATHER_SECONDS = 0.2
# A stream ends after this and the browser comes back: whoever was signed out in between does not.
LONGEST_SECONDS = 300


async def stream(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events named by topic. Without ASGI there is no stream: 204, and pages poll."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    here, user_id, address = hub(), request.user.pk or 0, limited_address(request)
    if here.is_full_for(user_id, address):
        return HttpResponse("Too many open pages.", status=503, headers={"Retry-After": "30"})
    return StreamingHttpResponse(
        _without_connection(events(here, since=_since(request), user_id=user_id, address=address)),
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


async def events(
    here: Hub,
    longest_seconds: float = LONGEST_SECONDS,
    since: float | None = None,
    user_id: int = 0,
    address: str = "",
) -> AsyncIterator[str]:
    """The stream's text: topics as they change, and the status with them, at least every HEARTBEAT_SECONDS.

    Ends after `longest_seconds`, or when the person was signed out.
    """
    ends_at = time.monotonic() + longest_seconds
    async with here.subscribe(since, user_id, address) as subscriber:
        yield "retry: 2000\n\n"
        while (left := ends_at - time.monotonic()) > 0:
            topics = await subscriber.take(min(HEARTBEAT_SECONDS, left))
            if subscriber.is_ended:
                return
            yield "".join(_event(topic, {}) for topic in topics) + _event(STATUS, {"database": here.reachable})
            await asyncio.sleep(GATHER_SECONDS)


@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """Answers at all only when this server and its database do: the session was read from it."""
    return JsonResponse({"database": True})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\n{_id()}\ndata: {json.dumps(data)}\n\n"


def _id() -> str:
    """The browser sends the last id when it connects again: what happened in between is told then."""
    return f"id: {time.time():.3f}"
