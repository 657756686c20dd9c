"""Protected flags ask before they change, except to turn off; parents are not taken away under their children."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from flags import segment_services, services
from flags.models import Flag, State
from flags.prerequisites import protected_dependents
from ops_console.access.roles import Role
from ops_console.errors import Conflict, InvalidInput
from tests.people import actor, signed_in

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


@pytest.fixture
def chain() -> tuple[Flag, Flag]:
    """`base`, on which `middle` depends, on which the protected `payments` depends."""
    base = services.create(actor(), "base", {}, State.RULES)
    middle = services.create(actor(), "middle", {"prerequisites": [{"flag": "base"}]}, State.RULES)
    services.create(actor(), "payments", {"protected": True, "prerequisites": [{"flag": "middle"}]}, State.RULES)
    return base, middle


def test_what_decides_a_protected_flags_answer_is_protected_with_it(chain: tuple[Flag, Flag]) -> None:
    """Through one prerequisite and through two; the refusal names the protected flag."""
    for flag in chain:
        with pytest.raises(InvalidInput, match=f"{flag.name} decides the answer of payments, which is protected"):
            services.set_state(actor(), flag.pk, State.ON)
        with pytest.raises(InvalidInput):
            services.edit(actor(), flag.pk, {"percent": 5}, 1)
        assert services.edit(actor(), flag.pk, {"percent": 5}, 1, "because", flag.name).version == 2


def test_what_only_describes_a_prerequisite_is_free(chain: tuple[Flag, Flag]) -> None:
    """A note or an owner changes nobody's answer; turning it off is never held up."""
    services.edit(actor(), chain[0].pk, {"note": "a note", "owner": "payments team", "tags": ["x"]}, 1)
    assert services.set_state(actor(), chain[0].pk, State.OFF).everyone is False


def test_a_segment_of_a_prerequisite_is_protected_too(chain: tuple[Flag, Flag]) -> None:
    """The protected flag's answer depends on whom it means."""
    segment = segment_services.create_segment(actor(), "testers", {})
    rule = {"constraints": [], "segments": ["testers"], "percent": 100}
    services.edit(actor(), chain[0].pk, {"rules": [rule]}, 1, "because", "base")
    constraint = {"field": "tier", "operator": "IN", "values": ["pro"]}
    with pytest.raises(InvalidInput, match="testers decides the answer of payments"):
        segment_services.edit_segment(actor(), segment.pk, {"constraints": [constraint]}, 1)


def test_a_switch_in_the_list_opens_the_question(chain: tuple[Flag, Flag]) -> None:
    """It posts at once, not knowing what depends on it: the answer is the dialog, without complaints."""
    services.set_state(actor(), chain[0].pk, State.OFF)
    answer = signed_in(Role.OPERATOR).post(f"/flags/{chain[0].pk}/state/rules/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#dialog-body"
    assert "Type base to confirm" in answer.content.decode()
    assert "This field is required" not in answer.content.decode()


def test_protected_dependents_cost_one_query(
    chain: tuple[Flag, Flag], django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    """However long the way is, and a circle that SQL made ends it."""
    Flag.objects.filter(name="base").update(prerequisites=[{"flag": "payments"}])
    with django_assert_num_queries(1):
        assert protected_dependents("base") == ["payments"]
