"""The streams among a call's arguments."""

import asyncio
import io
import itertools
import os
from collections import deque
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any

import httpx
import pytest

from ops_client.rewind import Body


class Unread:
    """A response that can be read once and not sought in."""

    def read(self):
        return b""


async def parts():
    yield b""


@pytest.mark.parametrize("argument", [iter([1]), (x for x in ()), Unread(), parts(), {"data": iter([1])}, [iter("a")]])
def test_read_once(argument):
    """What can be read once cannot be sent twice."""
    assert not Body((argument,), {}).rewindable
    assert not Body((), {"body": argument}).rewindable


@pytest.mark.parametrize(
    "argument", ["text", b"bytes", 7, None, {"a": [1, 2]}, range(9), list(range(10_000)), object()]
)
def test_plain(argument):
    """Plain values can be sent as often as one likes."""
    assert Body((argument,), {"body": argument}).rewindable


@dataclass
class Upload:
    name: str
    file: Any


class Request:
    """Of another library: neither data nor a stream."""

    def __init__(self, body: Any) -> None:
        self.body = body


class Slotted(Request):
    __slots__ = ("stream",)

    def __init__(self, stream: Any) -> None:
        super().__init__(None)
        self.stream = stream


class Session:
    """Holds what is its own: a counter, and a log that it writes."""

    def __init__(self, log: Any) -> None:
        self.log = log
        self.pool = Request(itertools.count())


HIDING = [
    lambda stream: Upload("a", stream),
    lambda stream: [Upload("a", {"inner": Upload("b", stream)})],
    lambda stream: Request(stream),
    lambda stream: Request({"files": [("a", stream)]}),
    lambda stream: Slotted(stream),
    lambda stream: SimpleNamespace(a=SimpleNamespace(b=stream)),
    lambda stream: {str(number): stream if number == 90 else number for number in range(100)},
    lambda stream: [[[[[[stream]]]]]],
    lambda stream: deque([stream]),
    lambda stream: [*range(50_000), stream],
    lambda stream: MappingProxyType({"a": stream}),
    lambda stream: {"a": stream}.values(),
    lambda stream: partial(print, stream),
    lambda stream: partial(print, file=[stream]),
]


@pytest.mark.parametrize("hide", HIDING)
def test_a_stream_is_found_wherever_it_is(hide):
    """In attributes, in large and in deep containers: it is rewound, or the call is not repeated."""
    file = io.BytesIO(b"abc")
    body = Body((hide(file),), {})
    file.read()
    body.rewind()
    assert (file.tell(), body.obstacle) == (0, "")
    assert "cannot be rewound" in Body((hide(iter([1])),), {}).obstacle


def test_what_cannot_be_searched_is_not_repeated():
    """A million objects are not searched for a stream, and nobody can say that there is none."""
    assert "cannot be searched" in Body(([[{}]] * 10 + [[number] for number in range(200_000)],), {}).obstacle
    assert Body(([{"text": "x", "at": [1.5]} for _ in range(10_000)],), {}).rewindable


class Lazy:
    """An object that answers for its attributes only where it is bound, as proxies of request contexts do."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("working outside of a request")


def test_an_argument_that_fails_to_be_searched_fails_no_first_attempt():
    """The call is made; it is only not repeated."""
    assert "cannot be searched" in Body((Lazy(),), {}).obstacle


def test_a_payload_that_contains_itself_is_searched_once():
    """It ends."""
    payload: list[Any] = [object()]
    payload.append(payload)
    assert Body((payload,), {}).rewindable


def test_what_an_object_holds_for_itself_is_left_alone(tmp_path):
    """A session's log and its pool are not the body of a call."""
    with (tmp_path / "log").open("w") as log:
        body = Body((Session(log),), {})
        log.write("attempt")
        body.rewind()
        assert (log.tell(), body.rewindable) == (7, True)


@pytest.mark.parametrize("argument", [httpx.Client(), httpx.AsyncClient(), httpx.Timeout(5), partial(print, "a")])
def test_a_client_is_no_stream(argument):
    """A call that is given the client which makes it is repeated: the `read` of a timeout is a number."""
    assert Body((argument,), {}).rewindable


def test_a_coroutine_is_not_awaited_twice():
    """The second attempt would fail with an error of its own, which hides the provider's."""
    coroutine = asyncio.sleep(0)
    assert "cannot be rewound" in Body((coroutine,), {}).obstacle
    coroutine.close()


def test_pipe_cannot_be_rewound():
    """A pipe looks like a file and is none."""
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert not Body((pipe,), {}).rewindable


def test_closed_file_cannot_be_rewound():
    """A closed file has nowhere to go back to."""
    body = io.BytesIO()
    body.close()
    assert not Body((body,), {}).rewindable


def test_file_goes_back_to_where_it_stood():
    """A file is put back to its place, not to its beginning."""
    file = io.BytesIO(b"abc")
    file.seek(1)
    body = Body((), {"files": {"a": ("a.txt", file)}})
    file.read()
    body.rewind()
    assert file.tell() == 1
