"""A server goes away while everything runs: what still answers, what is said, and that it recovers by itself."""

from collections.abc import Iterator

import httpx
import pytest

from embedded import places
from embedded.account import ordinary_account
from tests.system import System, running_system, token_of
from tests.waiting import until

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    # Not in pytest's own temporary directory, which is closed to the servers' user.
    with places.throwaway(ordinary_account()) as home, running_system(home) as running:
        yield running


@pytest.fixture(scope="module")
def operator(system: System) -> Iterator[httpx.Client]:
    client = system.signed_in("operator")
    yield client
    client.close()


@pytest.fixture(autouse=True)
def logs(system: System) -> Iterator[None]:
    """What worker and beat have logged: pytest shows it beside a failure."""
    yield
    print(system.logs())


@pytest.fixture
def no_database(system: System) -> Iterator[None]:
    """PostgreSQL stopped for the time of a test, with a flag that the backend has seen before."""
    until(lambda: system.ask("/api/flags/spreaker_publish")["enabled"], 20, "the flag before the outage")
    system.servers.postgres.stop()
    yield
    if not system.servers.postgres.answers():
        system.servers.postgres.start()


@pytest.mark.usefixtures("no_database")
def test_the_database_stops_and_comes_back(system: System, operator: httpx.Client) -> None:
    """Flags are answered, the console says 503 with Retry-After, health tells; then both recover by themselves."""
    assert system.ask("/api/flags/spreaker_publish")["enabled"]
    away = operator.get("/flags/")
    assert (away.status_code, int(away.headers["Retry-After"]) > 0) == (503, True)
    assert operator.get("/livez").status_code == 200
    assert operator.get("/readyz").status_code == 503
    assert httpx.get(system.backend_url + "/livez").status_code == 200
    assert httpx.get(system.backend_url + "/readyz", timeout=10).status_code == 503
    system.servers.postgres.start()
    until(lambda: operator.get("/flags/").status_code == 200, 30, "the console's return")
    until(lambda: httpx.get(system.backend_url + "/readyz", timeout=10).status_code == 200, 30, "the backend's return")
    until(
        lambda: system.sql(
            "SELECT 1 FROM ops.contract_instance WHERE kind = 'backend' AND seen_at > now() - interval '5 s'"
        ),
        30,
        "its report",
    )


def test_without_valkey_what_was_asked_for_waits(system: System, operator: httpx.Client) -> None:
    """A bulk that is started while Valkey is away is kept, and released when it is back."""
    system.servers.valkey.stop()
    try:
        action = start_retry(operator, stuck(system, 20))
        assert state(system, action) == "scheduled"
        assert "cannot be reached" in operator.get("/system/").text
    finally:
        system.servers.valkey.start()
    # Worker and beat find their broker again by waits that double, or end and are started again; on a busy machine
    # that takes its time.
    until(lambda: state_after_a_look(system, action) == "done", 180, "the release")
    changed = system.sql(f"SELECT sum(changed) FROM ops.operations_chunk WHERE action_id = {action}")[0][0]
    assert changed == 20


def stuck(system: System, count: int) -> list[str]:
    """Ids of stuck episodes that can be retried."""
    return [
        str(row[0])
        for row in system.sql(
            "SELECT id FROM public.episode WHERE status = 'processing' AND meta_json LIKE '%main_content_filename%'"
            f" AND processed_at < now() AT TIME ZONE 'UTC' - interval '3 hours' ORDER BY id LIMIT {count}"
        )
    ]


def start_retry(operator: httpx.Client, ids: list[str]) -> int:
    """Start a bulk by the form, as the list does; its id."""
    shown = operator.get("/operations/")
    assert shown.status_code == 200, shown.text
    token = token_of(shown.text)
    form = {"csrfmiddlewaretoken": token, "verb": "retry", "ids": ids, "sure": "1", "reason": "they were stuck"}
    answer = operator.post("/operations/act/", data=form, headers={"Referer": str(operator.base_url)})
    assert answer.status_code == 200, answer.text[:500]
    return int(answer.url.path.rstrip("/").rsplit("/", 1)[1])


def state_after_a_look(system: System, action: int) -> str:
    system.look()
    return state(system, action)


def state(system: System, action: int) -> str:
    return str(system.sql(f"SELECT state FROM ops.operations_action WHERE id = {action}")[0][0])
