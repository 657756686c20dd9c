"""The web process as `manage.py serve` starts it: which address it believes, and that it ends cleanly."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
import redis
from django.conf import settings

from embedded.paths import ROOT
from tests.database import dsn
from tests.system import free_port
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
ATTEMPTS = 13


@pytest.fixture
def web() -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = free_port()
    given = psycopg.conninfo.conninfo_to_dict(dsn())
    address = "postgres:///?" + urlencode({name: str(value) for name, value in given.items()})
    # The servers keep their counts between runs, so the attempts of this test have a database of their own.
    number = 8 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    cache = f"{settings.REDIS_URL}?db={number}"
    with closing(redis.from_url(cache)) as counts:
        counts.flushdb()
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "REDIS_URL": cache,
        "DEBUG": "1",  # pages without collected static files
        "HTTPS": "0",
        "TRUSTED_PROXIES": "0",
        "SIGN_IN_RATE": "10/h",
    }
    process = subprocess.Popen([sys.executable, "manage.py", "serve", "--port", str(port)], cwd=ROOT, env=environment)
    with closing(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)) as client:
        until(lambda: answers(client), 30, "the web process to answer")
        yield process, client
    process.kill()
    process.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/accounts/login/").status_code == 200
    except httpx.TransportError:
        return False


def test_without_trusted_proxies_an_invented_address_is_throttled(
    web: tuple[subprocess.Popen[bytes], httpx.Client],
) -> None:
    """X-Forwarded-For of a local caller is not believed: ten guesses an address, whatever it says of itself."""
    _, client = web
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/login/").text)[0]
    answered = [
        client.post(
            "/accounts/login/",
            data={"login": f"nobody-{number}", "password": "guess", "csrfmiddlewaretoken": token},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        ).status_code
        for number in range(ATTEMPTS)
    ]
    assert answered == [200] * 10 + [429] * (ATTEMPTS - 10)


def test_a_stopped_web_process_is_recorded_as_ended(web: tuple[subprocess.Popen[bytes], httpx.Client]) -> None:
    """SIGTERM is a clean stop: System shows no silent process after a deployment."""
    process, _ = web
    statement = "SELECT count(*), count(ended_at) FROM ops.contract_instance WHERE service = 'ops-console' AND pid = %s"
    with psycopg.connect(dsn(), autocommit=True) as connection:

        def counts() -> tuple[int, int]:
            found = connection.execute(statement, [process.pid]).fetchone()
            assert found
            return found

        until(lambda: counts() == (1, 0), 20, "the first report")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert counts() == (1, 1)
