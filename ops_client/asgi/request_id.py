"""One id per request, in the application, in its logs and on every answer."""

import re
import uuid
from contextvars import ContextVar

from ops_client.asgi.types import App, Message, Receive, Scope, Send, header

HEADER = "X-Request-ID"
_NAME = HEADER.lower().encode()
_VALID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")

# For a logging filter. Empty outside of a request.
current_request_id: ContextVar[str] = ContextVar("ops_request_id", default="")


class RequestIdMiddleware:
    """Takes the caller's X-Request-ID, or a new one where it sent none that can be used, and answers with it.

    The application finds the id in the header and in `current_request_id`.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = header(scope, _NAME)
        request_id = given if _VALID.fullmatch(given) else uuid.uuid4().hex
        others = [(name, value) for name, value in scope["headers"] if name != _NAME]
        headers = [*others, (_NAME, request_id.encode())]
        token = current_request_id.set(request_id)
        try:
            await self._app({**scope, "headers": headers}, receive, _answering(send, request_id))
        finally:
            current_request_id.reset(token)


def _answering(send: Send, request_id: str) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            if not any(name.lower() == _NAME for name, _ in headers):
                message["headers"] = [*headers, (_NAME, request_id.encode())]
        await send(message)

    return wrapped
