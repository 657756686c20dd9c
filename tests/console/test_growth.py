"""No page, list or API answer grows with the data: neither its rows nor its queries."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.growth_pages import Address, addresses
from benchmarks.growth_rows import Size, fill
from benchmarks.growth_samples import samples
from incidents.alerts.tasks import look
from ops_client.testing import FakeClock
from ops_console.access.roles import Role
from tests.api.calling import calling
from tests.people import person, signed_in

pytestmark = pytest.mark.django_db
FEW, MANY = Size(each=100), Size(each=300)
# More than any page of a list holds, and fewer than MANY.
MOST_ROWS = 250
OTHERWISE_BOUNDED = {
    "admin:access_user_delete": "Django lists what goes with one person",
    "usersessions_list": "allauth reads each session of one person; sign-ins are throttled and sessions end",
    "api:flag_export": "a stream: it reads batch by batch",
    "quotas:export": "a stream: it reads batch by batch",
}
ROW = re.compile(r"<(?:tr|li|option|article)[ >]")


class Reading:
    """What an address answered: how many rows, after how many queries."""

    def __init__(self, client: Client, path: str) -> None:
        with CaptureQueriesContext(connection) as captured:
            answer: Any = client.get(path)
            if answer.streaming:
                list(answer.streaming_content)
        self.status = answer.status_code
        self.queries = len(captured)
        self.rows = 0 if answer.streaming else rows_of(answer.content.decode(errors="replace"))


def rows_of(body: str) -> int:
    """Rows, list items and options of HTML, or the longest list of JSON."""
    if body.startswith(("{", "[")):
        return longest(json.loads(body))
    return len(ROW.findall(body))


def longest(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    own = len(value) if isinstance(value, list) else 0
    return max([own, *map(longest, parts)])


def test_nothing_that_is_read_grows_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three times the rows in every table each address shows no more than a page, after no more queries."""
    # What is kept of the schemas does not expire between two readings, however slow the machine is.
    for module in ("incidents.operations.sources.schema", "ops_console.directory.schema"):
        monkeypatch.setattr(f"{module}.time", FakeClock())
    person(Role.ADMIN, "bench")
    look()
    before, after = dict(readings(None, FEW)), dict(readings(FEW, MANY))
    # An address is of one thing: the same at both sizes, or one of another id.
    before = {each: found for each in after for other, found in before.items() if other.name == each.name}
    unbounded = {
        each.name: (before[each].rows, read.rows)
        for each, read in after.items()
        if read.rows > max(MOST_ROWS, before[each].rows)
    }
    growing = {
        each.name: (before[each].queries, read.queries)
        for each, read in after.items()
        if read.queries > before[each].queries
    }
    # An address that only acts refuses to be read; any other answers, or its sample is wrong.
    answered = {each.name: found.status for each, found in after.items() if found.status not in (403, 405)}
    broken = {name: status for name, status in answered.items() if status >= 400}
    assert broken == {}
    assert unbounded.keys() - OTHERWISE_BOUNDED.keys() == set(), unbounded
    assert growing.keys() - OTHERWISE_BOUNDED.keys() == set(), growing


def readings(before: Size | None, size: Size) -> Iterator[tuple[Address, Reading]]:
    fill(connection.connection, before, size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client, api = signed_in(Role.ADMIN, "bench"), calling(Role.ADMIN)
    client.raise_request_exception = api.raise_request_exception = False
    for address in addresses(samples()):
        cache.clear()
        reader = api if address.name.startswith("api:") else client
        Reading(reader, address.path)  # a first visit may ask for what is kept
        yield address, Reading(reader, address.path)


@pytest.mark.parametrize(
    ("html", "rows"),
    [
        ("<table><tr><td>1<tr><td>2</table>", 2),
        ("<ul><li>a</ul>", 1),
        ('{"items": [1, 2, {"x": [1, 2, 3]}]}', 3),
        ("", 0),
    ],
)
def test_rows_are_counted(html: str, rows: int) -> None:
    """What the test above counts: a list that lost its bound would be seen."""
    assert rows_of(html) == rows
