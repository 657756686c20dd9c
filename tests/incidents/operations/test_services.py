"""Intents: who may, what is frozen, what Undo takes back."""

import pytest
from django.utils import timezone

from incidents.operations import services
from incidents.operations.models import Action
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.incidents.operations.conftest import MakeEpisode, row_of, set_status
from tests.people import actor

pytestmark = pytest.mark.django_db


def chosen(*ids: str) -> Scope:
    return Scope(ids=ids)


def test_a_viewer_may_not(episode: MakeEpisode) -> None:
    """Reading is all that a viewer does; nothing is written."""
    with pytest.raises(NotAllowed):
        services.start(actor(Role.VIEWER), chosen(episode()), "retry", "why")
    assert not Action.objects.exists()


def test_a_bulk_needs_a_reason(episode: MakeEpisode) -> None:
    """Two operations at once ask for a reason, and so does failing one; a single retry does not."""
    one, two = episode(), episode()
    for scope, verb in ((chosen(one, two), "retry"), (chosen(one), "fail")):
        with pytest.raises(InvalidInput) as refused:
            services.start(actor(), scope, verb, "  ")
        assert refused.value.field == "reason"
    assert services.start(actor(), chosen(one), "retry", "").total == 1


def test_nothing_changes_before_the_release(episode: MakeEpisode, settings: object) -> None:
    """Until its time has come an action is an intent: release finds nothing due."""
    settings.UNDO_SECONDS = 10  # type: ignore[attr-defined]
    one = episode()
    action = services.start(actor(), chosen(one), "fail", "gave up")
    assert 8 < (action.release_at - timezone.now()).total_seconds() <= 10
    assert release_due() == 0
    assert row_of(one)["status"] == "processing"


def test_a_bulk_waits_longer(episode: MakeEpisode, settings: object) -> None:
    """The time for Undo is the bulk's own."""
    settings.UNDO_BULK_SECONDS = 60  # type: ignore[attr-defined]
    action = services.start(actor(), chosen(episode(), episode()), "retry", "again")
    assert 58 < (action.release_at - timezone.now()).total_seconds() <= 60


def test_undo_is_cancel(episode: MakeEpisode) -> None:
    """What is cancelled before its release never happens, and the audit says who did both."""
    one = episode()
    action = services.start(actor(), chosen(one), "fail", "gave up")
    services.cancel(actor(), action.pk)
    assert release_due() == 0
    assert row_of(one)["status"] == "processing"
    assert list(Entry.objects.order_by("id").values_list("action", flat=True)) == [
        "operations.fail",
        "operations.cancel",
    ]


def test_over_is_over(episode: MakeEpisode) -> None:
    """What is done cannot be cancelled: the answer says how it stands."""
    action = services.start(actor(), chosen(episode()), "fail", "gave up")
    release_due()
    with pytest.raises(Conflict) as refused:
        services.cancel(actor(), action.pk)
    assert refused.value.current == {"state": "done"}


def test_the_scope_is_frozen(episode: MakeEpisode) -> None:
    """What becomes stuck after the operator looked is not in it."""
    one = episode(hours=3)
    looked_at = timezone.now()
    young = episode(hours=1.999)
    later = Scope(as_of=looked_at)
    action = services.start(actor(), later, "retry", "all of them")
    assert action.chunks.get().operation_ids == [one]
    assert young not in action.chunks.get().operation_ids


def test_what_finished_before_is_left_out(episode: MakeEpisode) -> None:
    """A selected row that is done by now is not in the action at all."""
    one, two = episode(), episode()
    set_status(one, "processed")
    action = services.start(actor(), chosen(one, two), "fail", "gave up")
    assert action.chunks.get().operation_ids == [two]


def test_nothing_left_is_said(episode: MakeEpisode) -> None:
    """An action on nothing is refused, and leaves no row."""
    one = episode()
    set_status(one, "processed")
    with pytest.raises(InvalidInput, match="nothing is left"):
        services.start(actor(), chosen(one), "retry", "")


def test_a_single_operation_that_changed_is_a_conflict(episode: MakeEpisode) -> None:
    """The second operator sees both versions."""
    one = episode()
    scope = Scope(state="any", ids=(one,))
    services.start(actor(), scope, "retry", "", seen={one: ("processing", 0)})
    release_due()
    with pytest.raises(Conflict) as refused:
        services.start(actor(Role.OPERATOR, "otto"), scope, "fail", "gave up", seen={one: ("processing", 0)})
    assert refused.value.current == {"status": "processing", "commands": 1}


@pytest.mark.parametrize("verb", ["", "delete", "RETRY"])
def test_an_unknown_verb(episode: MakeEpisode, verb: str) -> None:
    """Only retry and fail are things to do."""
    with pytest.raises(InvalidInput):
        services.start(actor(), chosen(episode()), verb, "why")


def test_an_unknown_action() -> None:
    """There is nothing to cancel where there is no action."""
    with pytest.raises(NotFound):
        services.cancel(actor(), 17)


def test_pause_and_resume(episode: MakeEpisode) -> None:
    """A paused action releases nothing until it is resumed."""
    one = episode()
    action = services.start(actor(), chosen(one), "fail", "gave up")
    Action.objects.update(state=Action.State.RUNNING)
    services.pause(actor(), action.pk)
    assert release_due() == 0
    services.resume(actor(), action.pk)
    assert release_due() == 1
    assert row_of(one)["status"] == "error"


def test_chunks_are_packed(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large scope is frozen in chunks that together hold every id once."""
    monkeypatch.setattr("incidents.operations.freezing.CHUNK_SIZE", 4)
    made = {episode() for _ in range(10)}
    action = services.start(actor(), Scope(), "retry", "all of them")
    held = [i for chunk in action.chunks.all() for i in chunk.operation_ids]
    assert (action.total, set(held), len(held), action.chunks.count()) == (10, made, 10, 3)


def test_the_label_says_what(episode: MakeEpisode) -> None:
    """People know an action by what it does to how many."""
    episode(), episode()
    assert services.start(actor(), Scope(), "retry", "again").label == "Retry 2 episode assemblies"
