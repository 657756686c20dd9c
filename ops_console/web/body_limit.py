"""The limit on a request's body, kept before Django stores any of it."""

from typing import Any, cast

from django.conf import settings

from ops_client.asgi.body_limit import BodyLimitMiddleware
from ops_client.asgi.types import App, Receive, Scope, Send


def limited(console: Any) -> BodyLimitMiddleware:
    """The console's ASGI application with bodies limited to DATA_UPLOAD_MAX_MEMORY_SIZE, said or not."""
    limit_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        # FailureMiddleware has the page, with the log and the headers of every other: tell it the size.
        others = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
        said = (b"content-length", str(limit_bytes + 1).encode())
        await console({**scope, "headers": [*others, said]}, receive, send)

    return BodyLimitMiddleware(cast(App, console), limit_bytes, refuse)
