"""`manage.py operations`: the same service through the shell's door."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from incidents.operations.models import Action
from incidents.operations.release import release_due
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.incidents.operations.conftest import USER, MakeEpisode, row_of
from tests.people import person

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[Any]:
    out = StringIO()
    call_command("operations", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_list_prints_an_object_a_line(episode: MakeEpisode) -> None:
    """Id, kind, owner, since in UTC, and the evidence."""
    one = episode()
    episode(hours=1)
    (line,) = run("list")
    assert (line["id"], line["kind"], line["owner"]) == (one, "episode_assembly", USER)
    assert line["since"].endswith("+00:00") and "no heartbeat" in line["evidence"]


def test_fail_is_recorded_as_the_operator(episode: MakeEpisode) -> None:
    """The action goes the same way as a click, under the operator's name, through the door `cli`."""
    person(Role.OPERATOR)
    one = episode()
    (said,) = run("fail", one, "--reason", "gave up", "--as", "oscar")
    release_due()
    assert said["total"] == 1 and row_of(one)["status"] == "error"
    assert set(Entry.objects.values_list("actor", "via")) == {("oscar", "cli")}


def test_a_dry_run_does_nothing(episode: MakeEpisode) -> None:
    """Counts and exclusions by reason, and no action."""
    episode(), episode(meta_json=None)
    (said,) = run("retry", "--all", "--dry-run")
    assert (said["total"], said["eligible"], list(said["excluded"].values())) == (2, 1, [1])
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    "arguments", [["retry"], ["fail", "--all", "--reason", "x"], ["fail", "--all", "--as", "vera"]]
)
def test_it_asks_for_what_is_missing(episode: MakeEpisode, arguments: list[str]) -> None:
    """All must be said, somebody must be named, and a viewer may not."""
    person(Role.VIEWER)
    episode()
    with pytest.raises(CommandError):
        run(*arguments)
    assert not Action.objects.exists()
