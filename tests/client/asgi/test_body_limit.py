"""What a body over the limit meets, said or counted."""

import asyncio
import json
from typing import Any

import pytest

from ops_client.asgi.body_limit import BodyLimitMiddleware

LIMIT_BYTES = 10


class App:
    """Reads the whole body and says how much it got; breaks when the client goes, where told to."""

    def __init__(self, breaks: bool = False) -> None:
        self.breaks = breaks
        self.taken: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                await self._cut_off(send)
                return
            self.taken.append(message["body"])
            more = message["more_body"]
        await self._answer(send, 200)

    async def _cut_off(self, send: Any) -> None:
        if self.breaks:
            raise ConnectionError("the client has gone")
        await self._answer(send, 400)

    async def _answer(self, send: Any, status: int) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"app"})


def ask(app: Any, chunks: list[bytes], headers: Any = ()) -> list[dict[str, Any]]:
    """What is sent to a client whose body comes in `chunks`."""
    waiting = [{"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]} for chunk in chunks]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": list(headers)}
    asyncio.run(BodyLimitMiddleware(app, LIMIT_BYTES)(scope, receive, send))
    return sent


def test_a_body_of_the_limit_goes_through() -> None:
    """To the last byte that is allowed, nothing is changed."""
    app = App()
    assert ask(app, [b"12345", b"67890"])[0]["status"] == 200
    assert app.taken == [b"12345", b"67890"]


@pytest.mark.parametrize("breaks", [False, True])
def test_a_chunked_body_over_the_limit_is_413(breaks: bool) -> None:
    """Without a Content-Length the bytes are counted; the application's own answer or error is not sent."""
    app = App(breaks)
    start, body = ask(app, [b"12345", b"678901", b"never read"])
    assert (start["status"], app.taken) == (413, [b"12345"])
    assert json.loads(body["body"])["status"] == 413


def test_a_body_that_says_too_much_is_not_read() -> None:
    """By its header it is refused before the application is asked."""
    app = App()
    assert ask(app, [b"x"], [(b"content-length", b"11")])[0]["status"] == 413
    assert app.taken == []


def test_a_fault_of_the_application_is_not_hidden() -> None:
    """An error that has nothing to do with the body's size is the server's to report."""

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(broken, [b"x"])
