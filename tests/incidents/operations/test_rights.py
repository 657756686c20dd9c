"""The console's roles read what they were granted, column by column, and every list is content with that."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from incidents.operations.groups import error_groups
from incidents.operations.listing import list_page
from incidents.operations.queries import counts, detail
from incidents.operations.scope import Scope
from incidents.operations.sources import STATES
from tests.incidents.operations.conftest import make_episode
from tests.incidents.operations.tracked_rows import make_tracked, make_watch
from tests.podcast import add_user, empty_tables
from tests.real_roles import needs_both, real_roles

pytestmark = needs_both


@pytest.fixture
def rows(committed: None) -> Iterator[dict[str, str]]:
    """Something of every source, by kind."""
    add_user("00000000-0000-4000-8000-000000000001", "pat@example.org", "Pat", "Doe", "pro")
    make_episode(status="error"), make_watch("error:gone"), make_tracked("failed", status="failed")
    yield {
        "episode_assembly": make_episode(),
        "transcription": make_watch("processing"),
        "show_notes": make_tracked("notes", silent_seconds=90),
    }
    empty_tables()


def test_every_read_needs_no_more_than_was_granted(rows: dict[str, str]) -> None:
    """All states, filters, counts, groups and details are read with these rights."""
    with real_roles():
        read_everything(rows)


def read_everything(rows: dict[str, str]) -> None:
    narrow = Scope(kind="", older_than_seconds=30, tier="pro", text="talk", attempts=1, run=1, evidence="suspected")
    for state in STATES:
        list_page(Scope(kind="", state=state))
        list_page(replace(narrow, state=state))
    assert {one.kind for one in list_page(Scope(kind="")).rows} == set(rows)
    assert counts(Scope(kind=""))["stuck"].number == 3
    assert len(error_groups(Scope(kind=""))) == 3
    for kind, operation_id in rows.items():
        assert detail(kind, operation_id).operation.operation_id == operation_id
