"""Answers a request with problem details (RFC 9457)."""

import json
from collections.abc import Mapping

from ops_client.asgi.request_id import current_request_id
from ops_client.asgi.types import Send
from ops_client.quotas.http import PROBLEM_TYPE


def raw_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def send_problem(send: Send, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
    """Answer with this body and the status in it, and with the request's id where it has one."""
    request_id = current_request_id.get()
    content = json.dumps({**body, **({"request_id": request_id} if request_id else {})}).encode()
    sent = {"Content-Type": PROBLEM_TYPE, "Content-Length": str(len(content)), **(headers or {})}
    await send({"type": "http.response.start", "status": body["status"], "headers": raw_headers(sent)})
    await send({"type": "http.response.body", "body": content})
