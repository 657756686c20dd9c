"""What every test finds: the servers' addresses from the environment, and the rule for programs that may be missing."""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.test import TransactionTestCase, override_settings
from django.test.client import ClientMixin
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from ops_console import foreign
from tests import podcast
from tests.flushing import empty_tables
from tests.pgbouncer import INSTALL_PGBOUNCER, find_pgbouncer

# A busy machine is no failure: what a property test finds never hangs on how long it took.
hypothesis_settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("unhurried")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_CHROMIUM = "apt install --no-install-recommends chromium"


def pytest_configure() -> None:
    """Refuse to run without servers: a test on whatever stands around proves nothing, and may harm it."""
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    if missing:
        raise pytest.UsageError(f"No {' and '.join(missing)}: run tests by `python3 dev.py test [ARGUMENTS]`.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a program that is not installed are left out; with REQUIRE_PROGRAMS=1 they run, and fail.

    Browser tests come last: once started, Playwright keeps an event loop in this thread, and `asyncio.run` fails.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    for marker, (program, _) in _missing_programs().items():
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"no {program} found"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for what was left out. Counted from reports: under xdist only those reach this process."""
    for marker, (program, install) in _missing_programs().items():
        count = sum(marker in report.keywords for report in terminalreporter.stats.get("skipped", []))
        if count:
            terminalreporter.write_line(f"{count} {marker} tests SKIPPED: no {program} found. {install}")


def _missing_programs() -> dict[str, tuple[str, str]]:
    """Programs that tests need and that are not installed, by marker, with the way to install them."""
    if os.environ.get("REQUIRE_PROGRAMS") == "1":
        return {}
    programs = {
        "browser": (find_chromium(), "Chromium", INSTALL_CHROMIUM),
        "pgbouncer": (find_pgbouncer(), "PgBouncer", INSTALL_PGBOUNCER),
    }
    return {marker: (program, install) for marker, (found, program, install) in programs.items() if not found}


def find_chromium() -> str | None:
    """Chromium's path: what `CHROMIUM` names, else the first on the PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, with the backend's own tables beside the console's."""
    from tests import database  # models, which pytest reads this file too early for

    with django_db_blocker.unblock():
        podcast.make_tables()
        with transaction.atomic():
            database.grant_foreign_role()


@pytest.fixture(autouse=True, scope="session")
def one_connection() -> Iterator[None]:
    """The backend's tables are used on the console's own connection, which sees what a test has not committed.

    As the roles that they are, both are used by the processes that tests start, and by tests with `real_roles`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foreign, "ALIAS", DEFAULT_DB_ALIAS)
        patch.setattr(foreign, "role", lambda: str(settings.DATABASES["foreign"]["USER"]))
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_flush() -> Iterator[None]:
    """Tests that commit leave empty tables behind, audit included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(autouse=True, scope="session")
def signed_in_clients() -> Iterator[None]:
    """Django's test client knows its own sessions only: ours are found by a cookie's hash, and note the sign-in."""
    from tests import sessions  # models, which pytest reads this file too early for

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientMixin, "_login", sessions.sign_in)
        patch.setattr(ClientMixin, "session", property(sessions.session_of))
        yield


@pytest.fixture(autouse=True, scope="session")
def own_cache() -> Iterator[None]:
    """A cache of this process's own: what one worker of a parallel run clears, the other still counts."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    default = {**settings.CACHES["default"], "LOCATION": f"{settings.REDIS_URL}?db={number}"}
    with override_settings(CACHES={**settings.CACHES, "default": default}):
        yield


@pytest.fixture(autouse=True)
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """All attempts of a test fall into one of django-ratelimit's fixed windows, whenever its minute turns."""
    began = int(time.time())
    monkeypatch.setattr("django_ratelimit.core._get_window", lambda value, period: began + period)


@pytest.fixture(autouse=True, scope="session")
def plain_static_files() -> Iterator[None]:
    """Static files by their own names, so that pages render without a collectstatic before."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    # Found when asked for: a scan of staticfiles/ by every test client costs more than the tests.
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}, WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture
def backend_dsn(transactional_db: None) -> Iterator[str]:
    """The address of the database for a role with a backend's rights and no others."""
    from tests import database  # models, which pytest reads this file too early for

    role = database.backend_role()
    yield database.dsn(role)
    database.drop_role(role)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. A test that uses a browser carries the marker `browser`."""
    path = find_chromium()
    assert path, f"No Chromium found. Install it: {INSTALL_CHROMIUM}"
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    """Playwright drives the installed Chromium, which refuses its sandbox to root."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": chromium, "args": sandbox}
