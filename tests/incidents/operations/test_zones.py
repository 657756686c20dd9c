"""The same answer whatever the zone of server, session or process: list, evidence, `since` in JSON, and the sweep."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from tests.incidents.operations.conftest import make_episode, row_of

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("committed")]
# With what a process in it calls it.
ZONES = {"UTC": "UTC", "America/Los_Angeles": "PST", "Asia/Tokyo": "JST"}
ANSWER = """
import json, os, sys, time
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from incidents.operations.queries import list_page
from incidents.operations.scope import Scope
from incidents.sweep.services import sweep
where, zone = sys.argv[1:]
if where == "process":
    os.environ["TZ"] = zone
    time.tzset()
if where == "session":
    connection.cursor().execute("SELECT set_config('TimeZone', %s, false)", [zone])
call_command("operations", "list", "--kind", "episode_assembly", "--json")
listed = [[one.operation_id, one.since.isoformat()] for one in list_page(Scope()).rows]
run = sweep("episode_assembly")
zone_now = connection.cursor().execute("SHOW TimeZone").fetchone()[0]
print(json.dumps({"listed": listed, "swept": [run.result, run.dead, run.suspected, run.first_ids],
    "process": time.tzname[0], "session": zone_now}))
"""


@pytest.fixture
def server_zone() -> Iterator[Any]:
    """Sets the database's own zone; reset afterwards."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))

    def set_to(zone: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")

    yield set_to
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET timezone")


def answers(where: str, zone: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What another process lists, line by line, and what it says of list and sweep."""
    params = connection.get_connection_params()
    url = f"postgres://{params['user']}@/{connection.settings_dict['NAME']}?host={params['host']}"
    variables = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ops_console.settings"}
    if where == "process":
        variables["TZ"] = zone
    command = [sys.executable, "-c", ANSWER, where, zone]
    said = subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout
    *lines, last = [json.loads(line) for line in said.splitlines() if line.startswith('{"')]
    return [line for line in lines if "evidence" in line], last


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("where", ["server", "session", "process"])
def test_no_zone_changes_an_answer(where: str, zone: str, server_zone: Any) -> None:
    """The same rows are stuck since the same moment, with the same evidence, and the sweep finds the same."""
    old, late, _ = make_episode(hours=6.1), make_episode(hours=2.1), make_episode(hours=1.9)
    if where == "server":
        server_zone(zone)
    lines, said = answers(where, zone)
    since = {one: row_of(one)["processed_at"].replace(tzinfo=UTC) for one in (old, late)}
    assert [(line["id"], datetime.fromisoformat(line["since"])) for line in lines] == list(since.items())
    assert all(line["since"].endswith("+00:00") for line in lines)
    assert ["processed_at 6 h" in line["evidence"] for line in lines] == [True, False]
    assert "processed_at 2 h" in lines[1]["evidence"]
    assert said["listed"] == [[one, moment.isoformat()] for one, moment in since.items()]
    assert said["swept"] == ["dry_run", 0, 1, [old]]
    # It is really so while they answer.
    assert where == "server" or said[where] == (zone if where == "session" else ZONES[zone])
