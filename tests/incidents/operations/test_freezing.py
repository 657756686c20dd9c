"""The order in which what was frozen is released: of what backends do again the oldest first, else by id."""

import pytest

from incidents.operations import services
from incidents.operations.scope import Scope
from incidents.operations.services import Options
from tests.incidents.operations.conftest import MakeEpisode
from tests.people import actor

pytestmark = pytest.mark.django_db


def frozen(verb: str, **options: bool) -> list[str]:
    action = services.start(actor(), Scope(), verb, "they know why", options=Options(**options))
    return [one for chunk in action.chunks.order_by("number") for one in chunk.operation_ids]


@pytest.fixture
def oldest_first(episode: MakeEpisode) -> list[str]:
    return [episode(hours=40 - n) for n in range(14)]


def test_a_backend_gets_the_oldest_first(oldest_first: list[str]) -> None:
    """Who has waited longest is served first."""
    assert frozen("retry") == oldest_first


def test_what_only_the_database_does_goes_by_id(oldest_first: list[str]) -> None:
    """Rows of one neighbourhood of the primary key are written together."""
    assert frozen("fail") == sorted(oldest_first)


def test_a_canary_is_of_the_oldest(oldest_first: list[str]) -> None:
    """The few that a person looks at are those that the list shows first."""
    assert frozen("fail", canary=True) == [*oldest_first[:10], *sorted(oldest_first[10:])]
