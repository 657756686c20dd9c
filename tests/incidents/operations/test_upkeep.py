"""After a large bulk the table is looked after by who may, and else its owner is told what to run."""

import pytest
from django.db import connection

from incidents.operations import services
from incidents.operations.models import Action
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.upkeep import vacuum_after_large
from ops_console import foreign
from tests.incidents.operations.conftest import make_episode
from tests.people import actor
from tests.real_roles import needs_both, real_roles

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.operations.upkeep.LARGE", 2)


def fail_two() -> Action:
    make_episode(), make_episode()
    action = services.start(actor(), Scope(), "fail", "lost")
    release_due()
    return action


@needs_both
def test_the_role_of_the_table_vacuums_what_it_was_granted() -> None:
    """With what grant_console prints, the table is vacuumed once, and the action says so."""
    action = fail_two()
    with real_roles():
        vacuum_after_large()
    action.refresh_from_db()
    assert action.upkeep.startswith("VACUUM took")
    assert vacuum_after_large() == 0


@needs_both
def test_without_the_right_the_owner_is_told() -> None:
    """A role that may not leaves the table, and the action holds the line to run."""
    action = fail_two()
    with connection.cursor() as cursor:
        cursor.execute(f"REVOKE MAINTAIN ON public.episode FROM {foreign.role()}")
    with real_roles():
        vacuum_after_large()
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT MAINTAIN ON public.episode TO {foreign.role()}")
    action.refresh_from_db()
    assert action.upkeep.endswith('As its owner: VACUUM (ANALYZE) public."episode";')


def test_small_ones_are_left_to_autovacuum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of rows is no reason to read a whole table."""
    fail_two()
    monkeypatch.setattr("incidents.operations.upkeep.LARGE", 3)
    assert vacuum_after_large() == 0
