"""Protected flags ask before they change, except to turn off; parents are not taken away under their children."""

from collections.abc import Callable

import pytest

from flags import services
from flags.models import Flag, State
from ops_console.errors import Conflict, InvalidInput
from tests.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "payments", {"protected": True}, State.RULES)


ACTS: dict[str, Callable[..., Flag]] = {
    "on": lambda flag, *confirmed: services.set_state(actor(), flag.pk, State.ON, *confirmed),
    "edit": lambda flag, *confirmed: services.edit(actor(), flag.pk, {"percent": 5}, 1, *confirmed),
    "unprotect": lambda flag, *confirmed: services.edit(actor(), flag.pk, {"protected": False}, 1, *confirmed),
    "archive": lambda flag, *confirmed: services.archive(actor(), flag.pk, *confirmed),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_protected_flag_asks_for_reason_and_name(flag: Flag, act: str) -> None:
    """Without a reason, or with another name typed, nothing changes; with both it does."""
    for confirmed, field in (((), "reason"), (("because",), "typed_name"), (("because", "player"), "typed_name")):
        with pytest.raises(InvalidInput) as refused:
            ACTS[act](flag, *confirmed)
        assert refused.value.field == field
        assert Flag.objects.get(pk=flag.pk).version == 1
    assert ACTS[act](flag, "because", "payments").version == 2


def test_turning_off_never_asks(flag: Flag) -> None:
    """The kill switch works at once, whatever version was read."""
    assert services.set_state(actor(), flag.pk, State.OFF, version=77).everyone is False


def test_turning_back_on_asks_again(flag: Flag) -> None:
    """Off and back by its rules is a change as any other."""
    services.set_state(actor(), flag.pk, State.OFF)
    with pytest.raises(InvalidInput):
        services.set_state(actor(), flag.pk, State.RULES)


def test_a_state_may_name_the_version_it_was_read_at(flag: Flag) -> None:
    """If it is another one by now, nothing is done."""
    with pytest.raises(Conflict) as raised:
        services.set_state(actor(), flag.pk, State.ON, "x", "payments", version=7)
    assert (raised.value.current["version"], raised.value.submitted["version"]) == (1, 7)


def test_a_parent_cannot_be_archived(flag: Flag) -> None:
    """Archiving a prerequisite would turn its children off without a word: it is refused with their names."""
    services.create(actor(), "child", {"prerequisites": [{"flag": "payments"}]})
    with pytest.raises(InvalidInput, match="prerequisite of child"):
        services.archive(actor(), flag.pk, "tidy", "payments")


def test_a_child_does_not_come_back_without_its_parent(flag: Flag) -> None:
    """A flag whose prerequisite was archived meanwhile is not restored into being off for ever."""
    child = services.create(actor(), "child", {"prerequisites": [{"flag": "payments"}]})
    services.archive(actor(), child.pk)
    services.archive(actor(), flag.pk, "tidy", "payments")
    with pytest.raises(InvalidInput, match="no flag named 'payments' in force"):
        services.restore(actor(), child.pk)
