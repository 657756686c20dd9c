"""After a large bulk the table is looked after by who may, and else its owner is told what to run."""

import pytest
from django.db import connection

from incidents.operations import services
from incidents.operations.models import Action
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.upkeep import vacuum_after_large
from ops_console.contract.grants import foreign_sql
from tests import database
from tests.incidents.operations.conftest import make_episode
from tests.people import actor

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.operations.upkeep.LARGE", 2)


def fail_two() -> Action:
    make_episode(), make_episode()
    action = services.start(actor(), Scope(), "fail", "lost")
    release_due()
    return action


def look_after_as(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{role}"')
        try:
            vacuum_after_large()
        finally:
            cursor.execute("RESET ROLE")


def test_the_console_role_vacuums_what_it_was_granted() -> None:
    """With what grant_console prints, the table is vacuumed once, and the action says so."""
    action, role = fail_two(), database.console_role()
    with connection.cursor() as cursor:
        cursor.execute(foreign_sql(role))
    look_after_as(role)
    action.refresh_from_db()
    assert action.upkeep.startswith("VACUUM took")
    assert vacuum_after_large() == 0
    database.drop_role(role)


def test_without_the_right_the_owner_is_told() -> None:
    """A role that may not leaves the table, and the action holds the line to run."""
    action, role = fail_two(), database.console_role()
    look_after_as(role)
    action.refresh_from_db()
    assert action.upkeep.endswith('As its owner: VACUUM (ANALYZE) public."episode";')
    database.drop_role(role)


def test_small_ones_are_left_to_autovacuum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of rows is no reason to read a whole table."""
    fail_two()
    monkeypatch.setattr("incidents.operations.upkeep.LARGE", 3)
    assert vacuum_after_large() == 0
