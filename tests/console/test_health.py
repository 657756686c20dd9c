"""Health: what a probe is told, and what it is never told."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.alerts.evaluation import make_rules
from incidents.alerts.models import Rule
from ops_console import health
from ops_console.contract.models import Instance
from ops_console.migrated import MigratedMiddleware, Watch
from ops_console.telemetry.models import TaskRun
from tests.console.test_access_signin import AWAY

NOW = timezone.now()
WAITING = "ops_console.migrated.unapplied_migrations"


def worker(seen_seconds_ago: float, kind: str = "worker", **values: Any) -> None:
    now = timezone.now()
    Instance.objects.create(
        id=uuid4(), service="ops-console", kind=kind, host="h", pid=1, client_version="1", contract="v1",
        started_at=now, seen_at=now - timedelta(seconds=seen_seconds_ago), **values,
    )  # fmt: skip


@pytest.fixture
def no_database() -> Iterator[None]:
    with patch("django.db.backends.utils.CursorWrapper.execute", side_effect=OperationalError("secret-host is away")):
        yield


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.django_db(transaction=True)
def test_healthy_console_says_ok(client: Client, path: str) -> None:
    """200 and JSON without any sign-in."""
    answer = client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_all_who_ask_at_once_wait_for_one_run() -> None:
    """Nobody has to sign in to ask: a thousand probes must not run a thousand checks."""
    ran: list[int] = []

    class Counted(health.TimedCheck):
        title = "counted"

        def look(self) -> None:
            ran.append(1)

    async def ask() -> list[int]:
        answers = await asyncio.gather(*(health.answer((Counted,)) for _ in range(50)))
        answers.append(await health.answer((Counted,)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * 51
    assert len(ran) == 2


def test_livez_asks_no_database(client: Client, no_database: None) -> None:
    """A process that runs is alive, whatever has become of its database."""
    assert client.get("/livez").status_code == 200


def test_livez_asks_no_database_for_a_signed_in_browser(admin: object, client: Client) -> None:
    """Not even for a session cookie that comes along."""
    client.force_login(admin)
    with CaptureQueriesContext(connection) as queries:
        client.get("/livez")
    assert len(queries) == 0


@pytest.mark.parametrize("path", ["/readyz", "/health"])
@pytest.mark.django_db(transaction=True)
def test_database_away_is_503_without_detail(client: Client, no_database: None, path: str) -> None:
    """The balancer takes the process out; the error's text stays in the log."""
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "failing"
    assert "secret-host" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_health_misses_a_worker() -> None:
    """/health fails without a worker seen lately; /readyz, on which pages depend, does not."""
    worker(seen_seconds_ago=3600)
    assert Client().get("/health").json()["checks"]["worker"] == "failing"
    assert Client().get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_health_sees_a_worker() -> None:
    """A worker that reported itself a moment ago is enough."""
    worker(seen_seconds_ago=1)
    worker(seen_seconds_ago=1, kind="beat")
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["checks"]["worker"]) == (200, "ok")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beats", [[], [{"seen_seconds_ago": 31}], [{"seen_seconds_ago": 1, "ended_at": NOW}]])
def test_health_misses_a_beat(beats: list[dict[str, Any]]) -> None:
    """Without beat a worker has nothing to do: no alert is evaluated and no action is released."""
    worker(seen_seconds_ago=1)
    for values in beats:
        worker(kind="beat", **values)
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["checks"]["beat"]) == (503, "failing")
    assert Client().get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("started", [None, NOW - timedelta(hours=1)])
def test_health_misses_a_task_that_does_not_run(started: Any) -> None:
    """Neither when it stopped nor when it never began, with a worker and a beat that both live."""
    worker(seen_seconds_ago=1)
    worker(seen_seconds_ago=1, kind="beat")
    hour_ago = timezone.now() - timedelta(hours=1)
    TaskRun.objects.create(name="incidents.alerts.tasks.look", started_at=started, expected_since=hour_ago)
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["checks"]["schedule"]) == (503, "failing")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("minutes", "state"), [(0, "ok"), (2, "failing"), (None, "failing")])
def test_health_misses_the_evaluation_of_alert_rules(minutes: int | None, state: str) -> None:
    """Its task can run while no rule is evaluated, and no alert would tell of that."""
    make_rules()
    Rule.objects.update(looked_at=timezone.now() - timedelta(minutes=minutes) if minutes is not None else None)
    assert Client().get("/health").json()["checks"]["alerts"] == state
    Rule.objects.update(enabled=False)
    assert Client().get("/health").json()["checks"]["alerts"] == "ok"


@pytest.mark.django_db(transaction=True)
def test_health_misses_a_worker_that_was_stopped() -> None:
    """A worker that ended cleanly a moment ago takes no work any more."""
    worker(seen_seconds_ago=1, ended_at=timezone.now(), ended_as="closed")
    assert Client().get("/health").json()["checks"]["worker"] == "failing"


@override_settings(CACHES=AWAY)
@pytest.mark.django_db(transaction=True)
def test_cache_away_fails_health_and_not_readyz() -> None:
    """Pages are served without the cache; the monitor is told."""
    worker(seen_seconds_ago=1)
    worker(seen_seconds_ago=1, kind="beat")
    checks = Client().get("/health").json()["checks"]
    assert {name for name, state in checks.items() if state == "failing"} == {"cache"}
    assert Client().get("/readyz").status_code == 200


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.django_db(transaction=True)
def test_hanging_check_does_not_keep_the_answer() -> None:
    """A check that never comes back is given its second and counted as failing."""
    forever = threading.Event()
    with patch.object(health.Cache, "look", lambda self: forever.wait(20)):
        answer = Client().get("/health")
    forever.set()
    assert answer.json()["checks"]["cache"] == "failing"
    assert answer.json()["checks"]["database"] == "ok"


def test_probe_needs_no_host_name_of_ours(db: None, client: Client) -> None:
    """A balancer that asks by address is answered; pages still ask for a known host."""
    assert client.get("/livez", headers={"host": "10.1.2.3"}).status_code == 200
    assert client.get("/accounts/login/", headers={"host": "10.1.2.3"}).status_code == 400


@override_settings(SECURE_SSL_REDIRECT=True)
def test_probe_is_not_sent_to_https(client: Client) -> None:
    """The answer is the answer, not a redirect."""
    assert client.get("/livez").status_code == 200


def test_unapplied_migrations_stop_every_page(db: None) -> None:
    """With migrations missing the console serves nothing, says what to run, and comes back by itself."""
    middleware = MigratedMiddleware(lambda request: pytest.fail("a page was served"), Watch())
    request = Client().get("/livez").wsgi_request
    with patch(WAITING, return_value=["flags.0009_more"]):
        answer = middleware(request)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "manage.py migrate" in answer.content.decode()


def test_console_comes_back_after_the_migration(db: None) -> None:
    """It looks again without a restart, and then no longer."""
    watch = Watch()
    middleware = MigratedMiddleware(lambda request: "served", watch)
    request = Client().get("/livez").wsgi_request
    with patch(WAITING, return_value=["flags.0009_more"]):
        middleware(request)
    watch.look_at = 0
    assert middleware(request) == "served"
    with patch(WAITING, side_effect=AssertionError("asked again")):
        assert middleware(request) == "served"


@pytest.mark.django_db(transaction=True)
def test_unapplied_migrations_are_in_the_health() -> None:
    """/readyz is 503 while migrations are missing."""
    with patch("ops_console.health.unapplied_migrations", return_value=["flags.0009_more"]):
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "failing")


def test_missing_grants_are_told_apart(db: None) -> None:
    """A role that may not read its own tables is told of grant_console."""
    middleware = MigratedMiddleware(lambda request: pytest.fail("a page was served"), Watch())
    with patch(WAITING, side_effect=ProgrammingError("permission denied")):
        answer = middleware(Client().get("/livez").wsgi_request)
    assert "grant_console" in answer.content.decode()


def test_database_away_is_503_with_retry_after(db: None) -> None:
    """A page asked for while the database is away says so and when to come back."""
    middleware = MigratedMiddleware(lambda request: pytest.fail("a page was served"), Watch())
    with patch(WAITING, side_effect=OperationalError("away")):
        answer = middleware(Client().get("/livez").wsgi_request)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_silent_cache_costs_sign_in_a_moment(db: None) -> None:
    """A cache that takes connections and never answers holds the sign-in page up for its time-out, not for ever."""
    options = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    with silent_server() as url:
        silent = {**AWAY, "default": {**AWAY["default"], "LOCATION": url, "OPTIONS": options}}
        with override_settings(CACHES=silent):
            assert "not being slowed down" in Client().get("/accounts/login/").content.decode()
