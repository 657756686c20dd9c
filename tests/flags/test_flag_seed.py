"""The demo's flags: what its backend asks for is defined, once."""

import pytest

from demo import features
from flags.models import Flag, Segment
from flags.seed import seed
from flags.why import why
from ops_console.audit.models import Entry

pytestmark = pytest.mark.django_db


def test_what_the_demo_asks_for_is_defined_once() -> None:
    """Its flags are there, the second run changes nothing."""
    seed()
    assert set(features.FLAGS) <= set(Flag.objects.values_list("name", flat=True))
    before = Entry.objects.count()
    seed()
    assert Entry.objects.count() == before
    assert Segment.objects.get().name == "paying"


def test_the_seeded_flags_show_what_flags_can_do() -> None:
    """One is targeted by segment, one has variants and a parent: with the parent off it is off."""
    seed()
    paying = {"user_id": "17", "tier": "pro"}
    assert any("segment paying" in line for line in why("magic_chapters", paying).lines())
    Flag.objects.filter(name="new_player").update(everyone=True)
    assert why("player_theme", paying).variant.name in {"daylight", "midnight"}
    Flag.objects.filter(name="new_player").update(everyone=False)
    assert not why("player_theme", paying).answer
