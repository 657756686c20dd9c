"""A call of the API and a command of manage.py as a line to copy into a shell."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

_HEADER = '-H "Authorization: Bearer $OPS_TOKEN"'


def curl(method: str, url: str, body: Mapping[str, Any] | None = None, version: int | str | None = None) -> str:
    """The call with curl. The token comes from the shell's OPS_TOKEN; `version` is sent as If-Match."""
    parts = ["curl -sS --fail-with-body", f"-X {method}", shlex.quote(url), _HEADER]
    if version is not None:
        etag = version if version == "*" else f'"{version}"'
        parts.append(f"-H {shlex.quote(f'If-Match: {etag}')}")
    if body is not None:
        sent = json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(sent)}"]
    return " ".join(part for part in parts if part != "-X GET")


def command(*words: object) -> str:
    """The words as one command of manage.py, each quoted where a shell would read it otherwise."""
    return shlex.join(["python", "manage.py", *map(str, words)])
