"""Refuses bodies that are too large: by their declared length at once, and by what really comes, chunked or not."""

import asyncio

from ops_client.asgi.problems import send_problem
from ops_client.asgi.types import App, Message, Receive, Scope, Send
from ops_client.errors import InvalidInput


class BodyLimitMiddleware:
    """Answers 413 once a request's body is larger than `limit_bytes`; the application hears that the client is gone.

    `refuse` is an application that answers instead of our problem+json (RFC 9457). Raises InvalidInput for a limit
    that is none.
    """

    def __init__(self, app: App, limit_bytes: int, refuse: App | None = None) -> None:
        if limit_bytes < 1:
            raise InvalidInput("limit_bytes", "is a number of bytes from 1")
        self._app = app
        self._limit_bytes = limit_bytes
        self._refuse = refuse or self._problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _declared(scope) > self._limit_bytes:
            await self._refuse(scope, _bodiless(), send)
            return
        guard = _Guard(self._limit_bytes, self._refuse, scope, receive, send)
        try:
            await self._app(scope, guard.receive, guard.send)
        except Exception:
            # What the application makes of a client that it was told is gone interests nobody.
            if not guard.refused:
                raise

    async def _problem(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = {
            "type": "about:blank",
            "title": "The body is too large",
            "status": 413,
            "code": "body_too_large",
            "detail": f"At most {self._limit_bytes:,} bytes are taken in one request.",
            "retryable": False,
        }
        await send_problem(send, problem)


class _Guard:
    """Counts what one request brings, and stands between application and client once it was too much."""

    def __init__(self, limit_bytes: int, refuse: App, scope: Scope, receive: Receive, send: Send) -> None:
        self._left_bytes = limit_bytes
        self._refuse = refuse
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False
        self.refused = False

    async def receive(self) -> Message:
        if self.refused:
            return await _gone()
        message = await self._receive()
        self._left_bytes -= len(message.get("body", b""))
        if self._left_bytes >= 0 or self._started:
            return message
        self.refused = True
        await self._refuse(self._scope, _bodiless(), self._send)
        return await _gone()

    async def send(self, message: Message) -> None:
        if not self.refused:
            self._started = True
            await self._send(message)


async def _gone() -> Message:
    return {"type": "http.disconnect"}


def _bodiless() -> Receive:
    """What `refuse` hears of the client: a request without a body, and no more, until it has answered."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    return receive


def _declared(scope: Scope) -> int:
    length: bytes = next((value for key, value in scope["headers"] if key == b"content-length"), b"")
    return int(length) if length.isdigit() else 0
