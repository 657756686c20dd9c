"""Usage: series, sparklines, last asked, and names that nobody defined."""

import threading
from typing import Any

import pytest

from flags import services, usage
from flags.processes import defaults_of, problems_of, with_defaults
from ops_console.contract.models import Instance
from ops_console.contract.presence import Presence
from tests.flags.processes import alive
from tests.flags.usage_rows import asked
from tests.people import actor

pytestmark = pytest.mark.django_db


def test_a_series_adds_up_by_variant_service_and_answer() -> None:
    """The same rows, seen three ways; the busiest line stands first and the newest hour last."""
    asked("player", 0, 5, variant="blue")
    asked("player", 0, 7, result=False)
    asked("player", 1, 9, service="worker", variant="blue")
    asked("other", 0, 100)
    by_variant = usage.series("player", "variant")
    assert list(by_variant.lines) == ["blue", "off"]
    assert (by_variant.lines["blue"][-1], by_variant.lines["blue"][-25], by_variant.total) == (5, 9, 21)
    assert list(usage.series("player", "service").lines) == ["api", "worker"]
    assert {label: sum(line) for label, line in usage.series("player", "result").lines.items()} == {"on": 14, "off": 7}


def test_a_month_is_shown_by_the_day() -> None:
    """Thirty steps of a day each, and what is older is left out."""
    asked("player", 29, 3)
    asked("player", 31, 4)
    month = usage.series("player", days=30)
    assert (len(month.starts), month.step.days, month.total) == (30, 1, 3)


def test_sparklines_of_many_flags_are_one_query(django_assert_num_queries: Any) -> None:
    """One question for the clock and one for all; who was not asked has zeros."""
    asked("a", 0, 5), asked("a", 6.9, 2), asked("b", 3, 1), asked("a", 8, 50)
    with django_assert_num_queries(1):
        found = usage.sparks(["a", "b", "c"])
    assert (found["a"][0], found["a"][-1], sum(found["a"])) == (2, 5, 7)
    assert (sum(found["b"]), found["c"]) == (1, [0] * usage.SPARK_POINTS)


def test_last_asked_is_the_latest_of_all_answers(django_assert_num_queries: Any) -> None:
    """Whatever the answer and the service; who was not asked is missing."""
    asked("a", 3)
    latest = asked("a", 2, result=False, service="worker")
    with django_assert_num_queries(1):
        found = usage.last_asked(["a", "b"])
    assert found == {"a": latest}


def test_names_that_nobody_defined_are_told() -> None:
    """With count, services and when; defined and archived flags are none of them, nor what was asked long ago."""
    services.create(actor(), "defined", {})
    services.archive(actor(), services.create(actor(), "archived", {}).pk)
    for name in ("defined", "archived", "gone"):
        asked(name)
    asked("typo", 1, 3, service="worker"), asked("typo", 0, 4, result=False)
    asked("long ago", 9)
    found = {each.name: each for each in usage.undefined()}
    assert set(found) == {"gone", "typo"}
    assert (found["typo"].count, found["typo"].services) == (7, ["api", "worker"])


def test_processes_tell_defaults_and_problems() -> None:
    """A living process that holds OPS_FLAG_NEW_PLAYER, or cannot follow the flag, is named; a silent one is not."""
    problem = {"flag": "new-player", "rule": "rule 2", "message": "this version does not know telepathy"}
    alive("web", flag_defaults={"OPS_FLAG_NEW_PLAYER": "on"}, problems=[problem, {"flag": "x"}])
    alive("gone", seconds_ago=60, flag_defaults={"OPS_FLAG_NEW_PLAYER": "off"}, problems=[problem])
    assert [(said.instance.service, said.text) for said in defaults_of("new-player")] == [("web", "on")]
    assert [said.text for said in problems_of("new-player")] == ["rule 2: this version does not know telepathy"]
    assert Instance.objects.count() == 2


def test_whatever_a_process_reports_is_data() -> None:
    """A backend's role can write any JSON: what has no form of ours is left out, and a page shows fifty at most."""
    alive("list", flag_defaults=["OPS_FLAG_NEW_PLAYER"], problems=["text", 7, {"flag": "new-player"}])
    assert defaults_of("new-player") == [] and [said.text for said in problems_of("new-player")] == [": "]
    for number in range(60):
        alive(f"web-{number}", flag_defaults={"OPS_FLAG_NEW_PLAYER": "on"}, problems=[{"flag": "new-player"}] * 2)
    assert (len(defaults_of("new-player")), len(problems_of("new-player")), len(with_defaults())) == (49, 50, 49)


def test_the_console_tells_its_own_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """waffle asks in the console: its processes report their OPS_FLAG_ variables as backends do."""
    monkeypatch.setenv("OPS_FLAG_PLAYER", "12.5")
    process = Presence("web")
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    process.start()
    process.report()
    assert [(said.instance.service, said.text) for said in defaults_of("player")] == [("ops-console", "12.5")]


@pytest.mark.django_db(transaction=True)
def test_a_console_process_does_not_report_after_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first report of a process that lived a moment would add a row that nobody ends."""
    process = Presence("web")
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    process.start()
    process.end()
    process.report()
    assert not Instance.objects.filter(service="ops-console").exists()
