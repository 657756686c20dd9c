"""The ASGI application with its event stream prepared: a page knows from when on its changes were heard."""

import time
from typing import Any, cast

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ops_client.asgi.types import App, Receive, Scope, Send
from ops_console.live.hub import hub

RECEIVED_AT = "ops.received_at"


def prepared(console: Any) -> App:
    """Notes when a request arrived, and listens from the first page on: its stream then has nothing to catch up."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, RECEIVED_AT: time.time()}
            if any(name == b"accept" and b"text/html" in value for name, value in scope["headers"]):
                hub().warm()
        await cast(App, console)(scope, receive, send)

    return application


def stream_url(request: HttpRequest) -> str:
    """Where a page's stream is, with the time from which the page needs to hear of changes."""
    try:
        url = reverse("live")
    except NoReverseMatch:
        return ""
    received_at = getattr(request, "scope", {}).get(RECEIVED_AT)
    return f"{url}?since={received_at:.3f}" if received_at else url
