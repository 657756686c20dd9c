"""A backend under gunicorn --preload: one client, made and already asked before the workers are forked."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from ops_client import OpsClient

ops = OpsClient(service="preloaded", poll_seconds=0.2, snapshot_path=None)
before_fork = (os.getpid(), ops.flags.is_enabled("x"))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    answer = {"pid": os.getpid(), "on": ops.flags.is_enabled("x"), "master": before_fork[0]}
    return [json.dumps(answer).encode()]
