"""The streams among a call's arguments."""

import io
import os

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
