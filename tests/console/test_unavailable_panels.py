"""Overview, System and Alerts answer 200 with whatever part cannot be read, and the panel says so."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client
from psycopg.errors import QueryCanceled

from incidents.alerts import views as alerts
from incidents.operations.queries import stuck_count
from ops_console.access.roles import Role
from ops_console.views import overview, system
from ops_console.web import panels
from ops_console.web.panels import PanelReader
from tests.people import signed_in

pytestmark = pytest.mark.django_db

PARTS: dict[str, tuple[str, Any, str, str]] = {
    # what: page, module, name of its query there, the fragment that shows it
    "overview alerts": ("/", overview, "firing", "overview-now"),
    "overview stuck": ("/", overview, "stuck_count", "overview-now"),
    "overview breakers": ("/", overview.breakers, "overview", "overview-providers"),
    "overview processes": ("/", overview, "followers", "overview-processes"),
    "overview outbox": ("/", overview, "outbox_depth_and_age", "overview-now"),
    "overview temporary": ("/", overview, "temporary", "overview-temporary"),
    "overview changes": ("/", overview, "latest", "overview-changes"),
    "system configuration": ("/system/", system, "misconfigured", "system-checks"),
    "system processes": ("/system/", system.queries, "process_counts", "system-processes"),
    "system services": ("/system/", system.queries, "services", "system-services"),
    "system outbox": ("/system/", system, "outbox_depth_and_age", "system-outbox"),
    "system tasks": ("/system/", system.task_runs, "overview", "system-tasks"),
    "system migrations": ("/system/", system, "unapplied_migrations", "system-migrations"),
    "alerts list": ("/alerts/", alerts.queries, "counts", "alerts-list"),
    "alerts rules": ("/alerts/", alerts.queries, "rules", "alerts-rules"),
    "alerts messages": ("/alerts/", alerts.queries, "last_messages", "alerts-messages"),
}


def canceled() -> OperationalError:
    """What Django raises when the database ends a statement at its limit."""
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = QueryCanceled("canceling statement due to statement timeout")
    return error


ERRORS = {
    "timeout": canceled,
    "unreachable": lambda: OperationalError("server closed the connection unexpectedly\n\tmore"),
    "no text": OperationalError,
    "wrong statement": lambda: ProgrammingError('relation "x" does not exist'),
    "own fault": lambda: KeyError("x"),
}


@pytest.fixture(autouse=True)
def nothing_seen_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(panels, "_last", {})
    yield


@pytest.fixture
def viewer() -> Client:
    return signed_in(Role.VIEWER)


def raising(make: Callable[[], Exception]) -> Callable[..., Any]:
    def query(*_: Any) -> Any:
        raise make()

    return query


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_read_says_so(
    part: str, error: Callable[[], Exception], viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page and the part's own fragment answer 200 and say "Unavailable", never that there is nothing."""
    path, module, name, fragment = PARTS[part]
    monkeypatch.setattr(module, name, raising(error))
    headers = {"HX-Request": "true", "HX-Target": fragment}
    for answer in (viewer.get(path), viewer.get(path, headers=headers)):
        assert answer.status_code == 200
        shown = answer.content.decode().split(f'id="{fragment}"')[1].split("</section>")[0]
        assert "Unavailable" in shown


@pytest.mark.parametrize("path", ["/", "/system/", "/alerts/"])
def test_with_every_part_unavailable_the_page_still_answers(
    path: str, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every panel at once, before anything was ever read."""
    for page, module, name, _ in PARTS.values():
        if page == path:
            monkeypatch.setattr(module, name, raising(canceled))
    answer = viewer.get(path)
    assert answer.status_code == 200
    assert answer.content.decode().count("Unavailable") >= 3


def test_a_statement_that_is_too_slow_is_ended(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real database ends a panel's statement at the panel's limit; the other panels are read after it."""

    def slow() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(panels, "PANEL_MS", 50)
    monkeypatch.setattr(overview, "firing", slow)
    tiles = {tile.label: tile for tile in viewer.get("/").context["tiles"]()}
    assert tiles["Firing alerts"].value == "Unavailable"
    assert "within 0.05 s" in tiles["Firing alerts"].note
    assert tiles["Stuck operations"].value == "0"


def test_a_count_without_a_number_is_unknown(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that was not finished in time has no number: the tile says "Unknown" and not zero."""
    monkeypatch.setattr(overview, "stuck_count", lambda: replace(stuck_count(), number=None))
    answer = viewer.get("/")
    assert answer.status_code == 200
    tile = answer.context["tiles"]()[1]
    assert (tile.label, tile.value, tile.tone, tile.note) == (
        "Stuck operations",
        "Unknown",
        "warn",
        "not counted in time",
    )


def test_what_was_seen_last_stays_with_its_time(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error the panel shows the data of before, and since when."""
    before = viewer.get("/")
    seen_at = before.context["alerts"].seen_at
    monkeypatch.setattr(overview, "firing", raising(canceled))
    tile = viewer.get("/").context["tiles"]()[0]
    assert (tile.value, tile.proof, tile.tone) == ("0", seen_at, "warn")


def test_panels_share_one_time_limit() -> None:
    """Once the page's time is used up, the remaining panels are not read."""
    times = iter([0.0, 1.0, 9.0])
    reader = PanelReader(clock=lambda: next(times))
    assert reader.panel("", lambda: 1).data == 1
    late = reader.panel("", lambda: 2)
    assert (late.data, late.problem) == (None, "The page's other panels took 8 s; this one was not read.")


def test_a_fragment_reads_only_what_it_shows(viewer: Client) -> None:
    """The refresh of one panel does not run the queries of the others."""
    read: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("firing", "stuck_count", "followers", "outbox_depth_and_age", "temporary", "latest"):
            patch.setattr(overview, name, lambda *_, name=name: read.append(name))
        viewer.get("/", headers={"HX-Request": "true", "HX-Target": "overview-temporary"})
    assert read == ["temporary"]
