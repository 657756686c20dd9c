"""Health answers are true: 503 when something is away, and never 200 with an error inside."""

import asyncio
import threading

import pytest
from httpx import Client

from demo.health import Unhealthy, run_checks

PROBLEM = "application/problem+json"


def test_alive_without_a_database(lost_client: Client) -> None:
    """`/livez` asks no database."""
    answer = lost_client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/readyz", "/health"])
def test_sick_without_a_database(lost_client: Client, path: str) -> None:
    """With the database away the load balancer is told, with a time to ask again."""
    answer = lost_client.get(path)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == PROBLEM
    assert int(answer.headers["retry-after"]) > 0
    database = next(check for check in answer.json()["checks"] if check["name"] == "database")
    assert database["healthy"] is False


def test_ready_with_a_database(client: Client) -> None:
    """With the database there the process is ready."""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert [check["healthy"] for check in answer.json()["checks"]] == [True]


def test_healthy(client: Client) -> None:
    """`/health` tells of every part."""
    answer = client.get("/health")
    assert answer.status_code == 200
    assert {check["name"] for check in answer.json()["checks"]} == {"database", "configuration", "worker"}


def test_checks_are_held_to_their_time() -> None:
    """A check that never answers is unhealthy when its time is up, and the others are not kept waiting."""
    never = threading.Event()

    async def findings() -> dict[str, bool]:
        found = await run_checks({"hangs": lambda: str(never.wait()), "quick": lambda: "well"}, 0.1)
        never.set()
        return {finding.name: finding.healthy for finding in found}

    assert asyncio.run(findings()) == {"hangs": False, "quick": True}


def test_whatever_a_check_raises_is_a_finding() -> None:
    """A check that raises is unhealthy with its reason, and no error of the health page itself."""

    def sick() -> str:
        raise Unhealthy("disk full")

    (finding,) = asyncio.run(run_checks({"disk": sick}))
    assert (finding.healthy, finding.detail) == (False, "disk full")
