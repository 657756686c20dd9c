"""Changing flags: who may, what is kept, and what is refused."""

from decimal import Decimal

import pytest

from flags import services
from flags.models import Flag, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.people import actor

pytestmark = pytest.mark.django_db


def make(name: str = "player", **values: object) -> Flag:
    return services.create(actor(), name, values)


@pytest.mark.parametrize("act", ["create", "set_state", "edit", "archive"])
def test_a_viewer_changes_nothing(act: str) -> None:
    """Every service refuses a viewer, and leaves the flag as it was."""
    flag = make()
    viewer = actor(Role.VIEWER)
    calls = {
        "create": lambda: services.create(viewer, "other", {}),
        "set_state": lambda: services.set_state(viewer, flag.pk, State.ON),
        "edit": lambda: services.edit(viewer, flag.pk, {"percent": 1}, 1),
        "archive": lambda: services.archive(viewer, flag.pk),
    }
    with pytest.raises(NotAllowed):
        calls[act]()
    flag.refresh_from_db()
    assert (flag.everyone, flag.percent, flag.archived_at, Flag.objects.count()) == (False, None, None, 1)


def test_a_new_flag_is_off_for_everyone() -> None:
    """A flag begins off, so that defining it changes nothing for anybody."""
    assert make(percent=50).state == State.OFF


@pytest.mark.parametrize(
    ("before", "after"), [(State.OFF, State.RULES), (State.RULES, State.OFF), (State.RULES, State.ON)]
)
def test_every_change_is_audited_with_before_and_after(before: State, after: State) -> None:
    """The entry says who, what, why, and both states."""
    flag = services.create(actor(), "player", {}, before)
    services.set_state(actor(), flag.pk, after, reason="incident 7")
    entry = Entry.objects.latest("id")
    assert (entry.actor, entry.action, entry.reason) == ("oscar", f"flag.{after}", "incident 7")
    assert entry.before["everyone"] != entry.after["everyone"]


def test_the_switch_never_makes_a_trial_a_release() -> None:
    """Off and back by its rules leaves the percentage as it was."""
    flag = make(percent=Decimal("5"))
    services.set_state(actor(), flag.pk, State.OFF)
    flag = services.set_state(actor(), flag.pk, State.RULES)
    assert (flag.everyone, flag.percent) == (None, Decimal("5"))


def test_the_second_of_two_editors_sees_both_versions() -> None:
    """An edit on an older version changes nothing and carries what stands now and what was wanted."""
    flag = make(percent=Decimal("5"))
    services.edit(actor(), flag.pk, {"percent": Decimal("10")}, version=1)
    with pytest.raises(Conflict) as raised:
        services.edit(actor(), flag.pk, {"percent": Decimal("20")}, version=1)
    assert raised.value.current["percent"] == Decimal("10")
    assert raised.value.submitted["percent"] == Decimal("20")
    flag.refresh_from_db()
    assert flag.percent == Decimal("10")


def test_a_kill_switch_never_waits_for_a_version() -> None:
    """Switching off works whatever somebody else has changed since the page was read."""
    flag = make()
    services.edit(actor(), flag.pk, {"note": "newer"}, version=1)
    assert services.set_state(actor(), flag.pk, State.OFF).state == State.OFF


@pytest.mark.parametrize(
    ("field", "value"),
    [("percent", Decimal("100.01")), ("percent", Decimal("-1")), ("rules", [{"constraints": [{"field": ""}]}])],
)
def test_values_that_cannot_be_are_refused_by_name(field: str, value: object) -> None:
    """A value out of range, or a rule that no client could read, names its field and changes nothing."""
    flag = make()
    with pytest.raises(InvalidInput) as raised:
        services.edit(actor(), flag.pk, {field: value}, version=1)
    assert raised.value.field == field


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b", "new\u200bplayer", "cafe\u0301"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    """An empty, too long or unprintable name is refused by its field."""
    with pytest.raises(InvalidInput) as raised:
        services.create(actor(), name, {})
    assert raised.value.field == "name"


def test_a_name_may_be_any_text() -> None:
    """Names are Unicode, and two of the same are refused."""
    make("überraschung-🎧 / β")
    with pytest.raises(InvalidInput, match="already"):
        make("überraschung-🎧 / β")


def test_a_change_to_what_it_is_already_writes_nothing() -> None:
    """No version, no audit entry and no revision for a change that changes nothing."""
    flag = make()
    before = Entry.objects.count()
    assert services.set_state(actor(), flag.pk, State.OFF).version == flag.version
    assert Entry.objects.count() == before


def test_an_unknown_flag_is_said_to_be_missing() -> None:
    with pytest.raises(NotFound):
        services.set_state(actor(), 4711, State.OFF)


@pytest.mark.parametrize("reason", ["a\0b", "x" * 2001])
def test_a_reason_that_cannot_be_kept_is_refused_with_a_sentence(reason: str) -> None:
    """A NUL or a novel for a reason names the field, and nothing is changed."""
    flag = make()
    with pytest.raises(InvalidInput) as refused:
        services.set_state(actor(), flag.pk, State.ON, reason)
    assert refused.value.field == "reason"
    flag.refresh_from_db()
    assert flag.state == State.OFF
