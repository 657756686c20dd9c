"""Filters in addresses, in the shell and over the API: what cannot be read is refused, and a time is one moment."""

from datetime import datetime
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import override

from incidents.operations.filters import FilterForm
from incidents.operations.models import Action
from ops_console.access.roles import Role
from tests.api.calling import calling
from tests.incidents.operations.conftest import make_episode
from tests.incidents.operations.tracked_rows import make_tracked
from tests.people import signed_in

pytestmark = pytest.mark.django_db
LIST = "/operations/"
HOUR = 3600
UNREAD = {"attempt": "x", "since": "never", "until": "1700000000", "run": str(2**70), "kind": "none"}


@pytest.mark.parametrize("name", UNREAD)
def test_a_filter_that_cannot_be_read_shows_nothing(name: str) -> None:
    """Whatever is wrong in it, by page, action, CSV, API and shell: without it, more would be shown and meant."""
    make_episode(title="Whales"), make_tracked("one", silent_seconds=HOUR)
    operator, given = signed_in(Role.OPERATOR), {name: UNREAD[name]}
    page = operator.get(LIST, given)
    label = FilterForm.base_fields[name].label
    assert page.status_code == 200 and "rows" not in page.context and page.context["unread"].startswith(f"{label}: ")
    assert "so nothing is shown" in page.content.decode() and "Whales" not in page.content.decode()
    query = urlencode({"kind": "episode_assembly", **given})
    asked = operator.post("/operations/act/", {"verb": "fail", "all": "1", "query": query, "sure": "1", "reason": "x"})
    assert asked.status_code == 422 and not Action.objects.exists()
    api = calling(Role.VIEWER, ["operations:read"]).get("/api/v1/operations", given)
    assert (api.status_code, api.json().get("field")) in {(422, name), (404, None)}
    with pytest.raises(CommandError, match=f"--{name}: "):
        call_command("operations", "list", f"--{name}", UNREAD[name])


def test_nothing_found_is_not_nothing_stuck() -> None:
    """A filter that finds nothing says so, and leads to all; no false calm."""
    make_episode()
    viewer = signed_in(Role.VIEWER)
    text = viewer.get(LIST, {"q": "zzz", "sort": "since"}).content.decode()
    assert "Nothing here matches the filter" in text and "Nothing is stuck" not in text
    assert 'href="/operations/?sort=since">Clear the filter' in text
    assert "Nothing is slow" in viewer.get(LIST, {"state": "slow"}).content.decode()


WINDOW_ENDS = {
    "naive": "2026-01-05T10:00:00",
    "zulu": "2026-01-05T10:00:00Z",
    "offset": "2026-01-05T19:00:00+09:00",
    "west": "2026-01-05T02:00:00.000-08:00",
    "minutes": "2026-01-05T10:00",
}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
@pytest.mark.parametrize("text", WINDOW_ENDS.values(), ids=WINDOW_ENDS)
def test_a_window_means_the_same_moment_in_every_zone(zone: str, text: str) -> None:
    """`since` is inclusive, `until` is not; naive is UTC, whatever zone the session and its process are in."""
    ids = [
        make_episode(processed_at=datetime(2026, 1, 5, 9, 59, 59)),
        make_episode(processed_at=datetime(2026, 1, 5, 10)),
    ]
    client = calling(Role.VIEWER, ["operations:read"])
    with connection.cursor() as cursor, override(zone):
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        for name, expected in (("since", ids[1:]), ("until", ids[:1])):
            items = client.get("/api/v1/operations", {name: text}).json()["items"]
            assert [one["id"] for one in items] == expected
            assert items[0]["since"].endswith("Z")


@pytest.mark.parametrize(
    "text", ["2026-01-05T10:00:00 09:00", "yesterday", "1767607200", "2026-13-01", "2026-01-05T25:00Z"]
)
def test_a_time_that_cannot_be_read_is_refused(text: str) -> None:
    """A plus that was not encoded, a word, a number of seconds, a month that is none: 422 by field, never all rows."""
    make_episode()
    answer = calling(Role.VIEWER, ["operations:read"]).get("/api/v1/operations", {"until": text})
    assert (answer.status_code, answer.json()["field"]) == (422, "until")
