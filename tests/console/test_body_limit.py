"""The console's own answer to a body that has no end in sight."""

import asyncio
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from ops_console.web.body_limit import limited

CHUNK = b"x" * 65536
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/accounts/login/",
    "query_string": b"",
    "headers": [
        (b"host", b"localhost"),
        (b"accept", b"text/html"),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ],
}


@pytest.mark.django_db(transaction=True)
def test_an_endless_body_is_a_calm_413() -> None:
    """Chunks without a Content-Length end at the limit, in the page that a large form gets, policy and all."""
    taken, sent = asyncio.run(_post_without_end())
    assert (sent[0]["status"], taken) == (413, settings.DATA_UPLOAD_MAX_MEMORY_SIZE // len(CHUNK) + 1)
    assert b"larger than the console takes" in sent[1]["body"]
    assert b"Content-Security-Policy" in dict(sent[0]["headers"])


async def _post_without_end() -> tuple[int, list[dict[str, Any]]]:
    taken, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": CHUNK, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    await limited(ASGIHandler())(dict(SCOPE), receive, send)
    return taken, sent
