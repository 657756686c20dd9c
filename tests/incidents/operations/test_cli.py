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


def test_fail_all_stuck_waits_and_counts(episode: MakeEpisode) -> None:
    """With --wait the outcome counts are printed when it is over, without any worker, and the shell's user is kept."""
    person(Role.OPERATOR)
    made = [episode(), episode()]
    said = run("fail", "--all-stuck", "--kind", "episode_assembly", "--reason", "lost", "--as", "oscar", "--wait")[0]
    assert (said["state"], said["total"], said["changed"], said["left"]) == ("done", 2, 2, 0)
    assert {row_of(one)["status"] for one in made} == {"error"}
    assert Action.objects.get().credential.startswith("shell of ")


def test_no_more_than_max(episode: MakeEpisode) -> None:
    """--max takes the longest waiting, in the dry run as in the act."""
    person(Role.OPERATOR)
    old, young = episode(hours=9), episode(hours=3)
    assert run("fail", "--all-stuck", "--max", "1", "--dry-run")[0]["total"] == 1
    run("fail", "--all-stuck", "--max", "1", "--reason", "lost", "--as", "oscar", "--wait")
    assert (row_of(old)["status"], row_of(young)["status"]) == ("error", "processing")


@pytest.mark.parametrize("most", ["0", "-5"])
@pytest.mark.parametrize("how", ["--dry-run", "--wait"])
def test_max_is_a_number_of_operations(episode: MakeEpisode, most: str, how: str) -> None:
    """None at all, or fewer, is refused in words; it never means all."""
    person(Role.OPERATOR)
    episode()
    with pytest.raises(CommandError, match="--max is a number of operations, 1 or more"):
        run("fail", "--all-stuck", "--max", most, "--reason", "x", "--as", "oscar", how)
    assert not Action.objects.exists()


def test_a_bulk_is_steered(episode: MakeEpisode) -> None:
    """What is under way is listed, slowed down, cancelled and taken back by its number."""
    person(Role.OPERATOR)
    for _ in range(3):
        episode()
    action = run("retry", "--all", "--rate", "1", "--reason", "again", "--as", "oscar")[0]["action"]
    release_due()
    assert [line["left"] for line in run("bulk")] == [2]
    assert Action.objects.get().rate_per_second == 1
    run("bulk", str(action), "--rate", "none", "--as", "oscar")
    assert Action.objects.get().rate_per_second is None
    assert run("bulk", str(action), "--do", "cancel", "--as", "oscar")[0]["state"] == "cancelled"
    back = run("bulk", str(action), "--do", "take-back", "--reason", "no", "--as", "oscar", "--wait")[0]
    assert (back["verb"], back["total"], back["changed"]) == ("take_back", 1, 1)


def test_why_one_was_left_is_printed(episode: MakeEpisode) -> None:
    """Beside the counts stands each reason for which an operation was left, as on the action's page."""
    person(Role.OPERATOR)
    left = episode(final_audio_path=None)
    said = run("resolve", left, "--reason", "done by hand", "--as", "oscar", "--wait")[0]
    assert (said["ineligible"], said["excepted"]) == (1, {"final_audio_path is missing.": 1})
    assert run("bulk", str(said["action"]))[0]["excepted"] == said["excepted"]


def test_a_step_that_is_not_open_says_for_what_it_is(episode: MakeEpisode) -> None:
    """What is only scheduled cannot be paused, and the refusal says what can be."""
    person(Role.OPERATOR)
    episode()
    action = run("retry", "--all", "--as", "oscar")[0]["action"]
    with pytest.raises(CommandError, match="is scheduled by now: this is for one that is running"):
        run("bulk", str(action), "--do", "pause", "--as", "oscar")


def test_snooze_until(episode: MakeEpisode) -> None:
    """A time that cannot be read is refused with one that can."""
    person(Role.OPERATOR)
    one = episode()
    with pytest.raises(CommandError, match="ISO 8601"):
        run("snooze", one, "--until", "tomorrow", "--as", "oscar")
    assert run("snooze", one, "--until", "2099-01-01T00:00", "--as", "oscar", "--wait")[0]["changed"] == 1
