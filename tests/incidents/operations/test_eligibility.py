"""Which operations may be acted on: a preview and its release say the same, and `most` bounds what is changed."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.operations.eligibility import why_verb_not
from incidents.operations.models import Action, OperationMark, Outcome
from incidents.operations.preview import preview
from incidents.operations.progress import action_progress
from incidents.operations.queries import detail, why_not
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.services import Options, start
from incidents.operations.sources import SOURCES
from ops_console.errors import InvalidInput
from tests.incidents.operations.conftest import GOOD_META, MakeEpisode
from tests.people import actor

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"
QUEUED = '{"queued_for_worker": true, "assembly_payload": {"main_content_filename": "talk.wav"}}'
VERBS = ("retry", "fail", "resolve", "snooze", "release", "free")


@pytest.fixture
def every_sort(episode: MakeEpisode) -> list[str]:
    """Episodes of every sort that a rule tells apart, three of each, the oldest first in turns."""
    sorts: list[dict[str, Any]] = [
        {},
        {"meta_json": None},
        {"meta_json": "not json"},
        {"meta_json": '{"main_content_filename": 7}'},
        {"final_audio_path": "final/one.mp3"},
        {"status": "error", "meta_json": GOOD_META},
        {"status": "failed", "meta_json": None},
        {"status": "pending", "meta_json": QUEUED},
        {"status": "pending", "meta_json": "{}"},
        {"status": "published"},
        {"title": "quarantined"},
    ]
    made = []
    for turn in range(3):
        for number, values in enumerate(sorts):
            one = episode(hours=100 - turn * 20 - number, **values)
            made.append(one)
            if values.get("title") == "quarantined":
                OperationMark.objects.create(kind=KIND, operation_id=one, version=7, attempts=7, last_verb="retry")
    return made


def begun(scope: Scope, verb: str, most: int | None) -> Action:
    until = timezone.now() + timedelta(hours=1) if verb == "snooze" else None
    return start(actor(), scope, verb, "by the rule", options=Options(most=most, snooze_until=until))


def released(scope: Scope, verb: str, most: int | None) -> Action:
    action = begun(scope, verb, most)
    release_due()
    action.refresh_from_db()
    assert (action.state, action.problem) == ("done", "")
    return action


@pytest.mark.parametrize("most", [None, 1, 2, 500])
@pytest.mark.parametrize("chosen", ["ids", "stuck", "one"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_preview_and_its_release_agree(every_sort: list[str], verb: str, chosen: str, most: int | None) -> None:
    """As many are changed as were promised, and each other is left for the reason that was given; `most` bounds it."""
    ids = {"ids": tuple(every_sort), "stuck": None, "one": (every_sort[-1],)}[chosen]
    scope = Scope(state="stuck" if chosen == "stuck" else "any", ids=ids)
    expected = preview(scope, verb, most)
    if not expected.eligible and most is not None:
        with pytest.raises(InvalidInput):
            start(
                actor(), scope, verb, "x", options=Options(most=most, snooze_until=timezone.now() + timedelta(hours=1))
            )
        return
    action = released(scope, verb, most)
    assert action_progress(action.pk).changed == expected.eligible
    assert most is None or expected.eligible <= most
    left = Counter(Outcome.objects.filter(action=action).values_list("detail", flat=True))
    assert left == (dict(expected.exclusions) if most is None else {})


def test_most_is_how_many_are_changed(every_sort: list[str], episode: MakeEpisode) -> None:
    """Rows that cannot be retried use up none of it: as many are changed as were asked for, the oldest first."""
    for _ in range(30):
        episode(hours=3)
    action = released(Scope(), "retry", 20)
    found = action_progress(action.pk)
    assert (action.total, found.changed, found.skipped) == (20, 20, 0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_says_what_the_release_does(every_sort: list[str], verb: str) -> None:
    """The button of one operation is offered exactly where acting on it would change it."""
    for one in every_sort:
        offered = not why_not(detail(KIND, one), verb)
        assert offered == bool(preview(Scope(state="any", ids=(one,)), verb).eligible)
    assert why_verb_not(SOURCES[KIND], SOURCES[KIND].live(), verb) == ""


def test_a_quarantined_one_is_retried_by_itself_alone(every_sort: list[str]) -> None:
    """The question before a bulk counts it out, as the release does; by itself it goes."""
    quarantined = every_sort[-1]
    bulk = preview(Scope(state="any", ids=tuple(every_sort)), "retry")
    assert ("Quarantined after 7 retries: look at it, then retry it by itself.", 3) in bulk.exclusions
    assert preview(Scope(state="any", ids=(quarantined,)), "retry").eligible == 1


def test_a_heartbeat_after_the_question_keeps_it_out(episode: MakeEpisode) -> None:
    """What gave a sign of life since it was looked at is alive: so say the second question and the release."""
    one, asked_at = episode(), timezone.now()
    OperationMark.objects.create(kind=KIND, operation_id=one, heartbeat_at=timezone.now())
    scope = Scope(state="any", ids=(one,), as_of=asked_at)
    said = "It has sent a heartbeat since: it is alive."
    assert preview(scope, "fail").exclusions == [(said, 1)]
    action = start(actor(), scope, "fail", "lost")
    release_due()
    assert Outcome.objects.get(action=action).detail == said
