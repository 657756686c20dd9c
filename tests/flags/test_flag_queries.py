"""The list's reads: filters, tabs, and what filters offer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flags import queries, services
from flags.models import Flag, State
from ops_console.errors import NotFound
from tests.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def some() -> None:
    soon = timezone.now() + timedelta(hours=1)
    services.create(actor(), "player", {"kind": "experiment", "tags": ["web", "beta"], "owner": "web"}, State.RULES)
    services.create(actor(), "chapters", {"kind": "ops", "tags": ["beta"], "owner": "audio", "on_at": soon}, State.ON)
    services.create(actor(), "christmas", {"off_at": soon, "tags": []})
    gone = services.create(actor(), "gone", {"owner": "web", "off_at": soon})
    services.archive(actor(), gone.pk)
    past = timezone.now() - timedelta(days=40)
    Flag.objects.filter(name="chapters").update(created=past, expires_at=past)


def names(**wanted: str) -> list[str]:
    return sorted(flag.name for flag in queries.flags(**wanted))


def test_filters_narrow_the_list() -> None:
    """Text, state, kind, tag and owner, alone and together."""
    assert names() == ["chapters", "christmas", "player"]
    assert names(kind="ops") == ["chapters"]
    assert names(tag="beta") == ["chapters", "player"]
    assert names(tag="beta", owner="web") == ["player"]
    assert names(state="scheduled") == ["chapters", "christmas"]
    assert names(state="stale") == ["chapters"]
    assert names(state="archived") == ["gone"]


def test_tabs_count_what_the_list_shows() -> None:
    """Each tab's count is the length of its list, under the same filters."""
    for wanted in ({}, {"tag": "beta"}, {"owner": "web"}, {"kind": "experiment"}):
        counts = queries.counts(**wanted)
        assert counts == {state: len(names(state=state, **wanted)) for state in counts}


def test_filters_offer_what_there_is() -> None:
    """Owners and tags of flags in force, and the names that editors choose from."""
    assert queries.owners() == ["audio", "web"]
    assert queries.tags() == {"beta": 2, "web": 1}
    assert queries.flag_names(besides=queries.flag_named("player").pk) == ["chapters", "christmas"]
    assert queries.segment_names() == []


@pytest.mark.parametrize("wanted", [{"text": "a\0"}, {"tag": "\0"}, {"owner": "\0"}], ids=str)
def test_text_that_no_database_takes_is_no_error(wanted: dict[str, str]) -> None:
    """A NUL in the address is left out."""
    queries.counts(**wanted), names(**wanted)


def test_a_name_that_is_none_is_not_found() -> None:
    with pytest.raises(NotFound, match="no flag named 'nothing'"):
        queries.flag_named("nothing")
