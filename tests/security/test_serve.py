"""The web process as `manage.py serve` starts it: which address it believes, and that it ends cleanly."""

import re
import signal
import subprocess
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.database import dsn
from tests.serving import serving
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
ATTEMPTS = 13


@pytest.fixture
def web() -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    with serving(SIGN_IN_ADDRESS_RATE="10/h") as started:
        yield started


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
