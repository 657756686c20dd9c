"""The console's role reads what it was granted, column by column, and every list is content with that."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection

from incidents.operations.groups import error_groups
from incidents.operations.listing import list_page
from incidents.operations.queries import counts, detail
from incidents.operations.scope import Scope
from incidents.operations.sources import STATES
from incidents.operations.sources.schema import forget
from ops_console.contract.grants import foreign_sql
from tests import database
from tests.incidents.operations.conftest import make_episode
from tests.incidents.operations.tracked_rows import make_tracked, make_watch
from tests.podcast import add_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_console() -> Iterator[None]:
    """From here on the connection has the rights of the console's role, as `grant_console` prints them."""
    role = database.console_role()
    with connection.cursor() as cursor:
        cursor.execute(foreign_sql(role))
        cursor.execute(f"SET LOCAL ROLE {role}")
    forget()
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture
def rows(db: None) -> dict[str, str]:
    """Something of every source, by kind."""
    add_user("00000000-0000-4000-8000-000000000001", "pat@example.org", "Pat", "Doe", "pro")
    make_episode(status="error"), make_watch("error:gone"), make_tracked("failed", status="failed")
    return {
        "episode_assembly": make_episode(),
        "transcription": make_watch("processing"),
        "show_notes": make_tracked("notes", silent_seconds=90),
    }


def test_every_read_needs_no_more_than_was_granted(rows: dict[str, str], as_console: None) -> None:
    """All states, filters, counts, groups and details are read with these rights."""
    narrow = Scope(kind="", older_than_seconds=30, tier="pro", text="talk", attempts=1, run=1, evidence="suspected")
    for state in STATES:
        list_page(Scope(kind="", state=state))
        list_page(replace(narrow, state=state))
    assert {one.kind for one in list_page(Scope(kind="")).rows} == set(rows)
    assert counts(Scope(kind=""))["stuck"].number == 3
    assert len(error_groups(Scope(kind=""))) == 3
    for kind, operation_id in rows.items():
        assert detail(kind, operation_id).operation.operation_id == operation_id
