"""What is over is let go after its time, children first, and what is not over stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.operations import services
from incidents.operations.models import Action, Chunk, Command, OperationMark, Outcome
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_console.retention import expire_all
from tests.incidents.operations.conftest import MakeEpisode
from tests.people import actor

pytestmark = pytest.mark.django_db


def test_old_actions_go_whole(episode: MakeEpisode) -> None:
    """An action of long ago leaves no row; yesterday's keeps all of its own."""
    for meta in (None, '{"main_content_filename": "a.wav"}'):
        episode(meta_json=meta)
    old = services.start(actor(), Scope(), "retry", "long ago")
    release_due()
    Command.objects.update(state="delivered")
    Action.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=91))
    episode(meta_json=None), episode()
    new = services.start(actor(), Scope(), "retry", "yesterday")
    release_due()
    expire_all()
    assert list(Action.objects.all()) == [new]
    for model in (Chunk, Command, Outcome):
        assert set(model.objects.values_list("action", flat=True)) == {new.pk}
    assert OperationMark.objects.count() == 2


def test_what_is_not_handed_over_stays(episode: MakeEpisode) -> None:
    """A command that still waits for a backend keeps its action, however old."""
    episode()
    services.start(actor(), Scope(), "retry", "long ago")
    release_due()
    Action.objects.update(finished_at=timezone.now() - timedelta(days=91))
    expire_all()
    assert Command.objects.count() == 1 and Action.objects.count() == 1
