"""The web process as `manage.py serve` starts it, on the test database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlencode

import httpx
import psycopg
import redis
from django.conf import settings

from embedded.paths import ROOT
from tests.database import dsn
from tests.system import free_port
from tests.waiting import until


@contextmanager
def serving(**environment: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """The process, which is killed at the end, and a client of it. `environment` is added to its variables."""
    port = free_port()
    given = psycopg.conninfo.conninfo_to_dict(dsn())
    address = "postgres:///?" + urlencode({name: str(value) for name, value in given.items()})
    # The servers keep their counts between runs, so the attempts of this process have a database of their own.
    number = 8 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    cache = f"{settings.REDIS_URL}?db={number}"
    with closing(redis.from_url(cache)) as counts:
        counts.flushdb()
    variables = {
        **os.environ,
        "DATABASE_URL": address,
        "REDIS_URL": cache,
        "DEBUG": "1",  # pages without collected static files
        "HTTPS": "0",
        "TRUSTED_PROXIES": "0",
        **environment,
    }
    process = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", str(port)], cwd=ROOT, env=variables)
    try:
        with closing(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)) as client:
            until(lambda: answers(client), 30, "the web process to answer")
            yield process, client
    finally:
        process.kill()
        process.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/accounts/login/").status_code == 200
    except httpx.TransportError:
        return False
