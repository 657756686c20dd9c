"""The flags' pages: list, switch, edit, and what each role may do there."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flags import services
from flags.models import Flag, State
from ops_console.access.roles import Role
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"percent": 5, "note": "<b>bold</b>"}, State.RULES)


def page_url(flag: Flag) -> str:
    return reverse("flags:page", args=[flag.pk])


def link(flag: Flag) -> str:
    return f'href="{page_url(flag)}"'


def state_url(flag: Flag, state: str) -> str:
    return reverse("flags:state", args=[flag.pk, state])


def test_the_list_shows_flags_and_escapes_them(flag: Flag) -> None:
    """A name, its state and its note stand in the list; markup in a note is text."""
    body = signed_in(Role.VIEWER).get(reverse("flags:list")).content.decode()
    assert "player" in body and "By its rules" in body and "&lt;b&gt;bold" in body and "<b>bold" not in body


def test_the_list_says_what_is_coming(flag: Flag) -> None:
    """A schedule's next turn stands beside the state; a flag that is settled for everyone has none."""
    services.edit(actor(), flag.pk, {"on_at": timezone.now() + timedelta(hours=3)}, 1)
    client = signed_in(Role.VIEWER)
    assert "turns on" in client.get(reverse("flags:list")).content.decode()
    services.set_state(actor(), flag.pk, State.OFF)
    assert "turns on" not in client.get(reverse("flags:list")).content.decode()


def test_the_list_takes_a_constant_number_of_queries(flag: Flag) -> None:
    """Thirty flags cost no more queries than one."""
    client = signed_in(Role.VIEWER)
    client.get(reverse("flags:list"))
    with CaptureQueriesContext(connection) as for_one:
        client.get(reverse("flags:list"))
    for number in range(30):
        services.create(actor(), f"flag-{number}", {})
    with CaptureQueriesContext(connection) as for_many:
        client.get(reverse("flags:list"))
    assert len(for_many) == len(for_one) <= 19


def test_the_switch_turns_off_and_offers_undo(flag: Flag) -> None:
    """One click turns a flag off; the notice carries the way back, and that way works."""
    client = signed_in(Role.OPERATOR)
    answer = client.post(state_url(flag, "off"), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert state_url(flag, "rules") in answer.headers["HX-Trigger"]
    flag.refresh_from_db()
    assert flag.state == State.OFF
    client.post(state_url(flag, "rules"))
    flag.refresh_from_db()
    assert flag.state == State.RULES


def test_the_switch_works_without_javascript(flag: Flag) -> None:
    """A plain form post changes the flag and comes back to the list with the same notice."""
    answer = signed_in(Role.OPERATOR).post(state_url(flag, "off"), follow=True)
    assert answer.redirect_chain[-1] == (reverse("flags:list"), 303)
    assert "is off for everyone" in answer.content.decode()


def test_on_for_everyone_asks_first(flag: Flag) -> None:
    """Reading the address of the act asks, and changes nothing."""
    answer = signed_in(Role.OPERATOR).get(state_url(flag, "on"))
    assert "on for everyone?" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.state == State.RULES


def test_a_viewer_may_not_switch(flag: Flag) -> None:
    """A viewer's post is refused and changes nothing."""
    assert signed_in(Role.VIEWER).post(state_url(flag, "off")).status_code == 403
    flag.refresh_from_db()
    assert flag.state == State.RULES


def test_a_state_that_is_none_is_not_found(flag: Flag) -> None:
    assert signed_in(Role.OPERATOR).post(state_url(flag, "maybe")).status_code == 404


def settings_url(flag: Flag) -> str:
    return reverse("flags:settings", args=[flag.pk])


def form(flag: Flag, **changes: Any) -> dict[str, Any]:
    return {"note": "", "owner": "", "kind": "release", "version": flag.version, "reason": "", **changes}


def test_settings_are_kept(flag: Flag) -> None:
    """Owner, kind, tags and expiry typed in the form are the flag's afterwards, the times in UTC."""
    typed = form(flag, owner="web", kind="ops", tags="player, web, player", expires_at="2027-01-02T03:04:05")
    answer = signed_in(Role.OPERATOR).post(settings_url(flag), typed)
    assert answer.status_code == 303
    flag.refresh_from_db()
    assert (flag.owner, flag.kind, flag.tags) == ("web", "ops", ["player", "web"])
    assert flag.expires_at and flag.expires_at.isoformat() == "2027-01-02T03:04:05+00:00"


@pytest.mark.parametrize(("field", "typed"), [("tags", "x" * 41), ("runbook_url", "no address"), ("kind", "other")])
def test_what_cannot_be_is_refused_at_its_field(flag: Flag, field: str, typed: str) -> None:
    """The form comes back as 422 with the message at the field, and the flag stays."""
    answer = signed_in(Role.OPERATOR).post(settings_url(flag), form(flag, **{field: typed, "owner": "late"}))
    assert answer.status_code == 422
    assert f"id_{field}_error" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.owner == ""


def test_the_second_editor_sees_both_versions(flag: Flag) -> None:
    """A form that was read before somebody else's save answers 409 with both values."""
    services.edit(actor(name="early"), flag.pk, {"owner": "early team"}, flag.version)
    answer = signed_in(Role.OPERATOR).post(settings_url(flag), form(flag, owner="late team"))
    assert answer.status_code == 409
    body = answer.content.decode()
    assert "early team" in body and "late team" in body


def test_archiving_can_be_undone(flag: Flag) -> None:
    """An archived flag leaves the list, and restoring brings it back."""
    client = signed_in(Role.OPERATOR)
    client.post(reverse("flags:archive", args=[flag.pk]))
    assert link(flag) not in client.get(reverse("flags:list")).content.decode()
    client.post(reverse("flags:restore", args=[flag.pk]))
    assert link(flag) in client.get(reverse("flags:list")).content.decode()


def test_a_flag_that_is_not_there_is_a_calm_404() -> None:
    assert signed_in(Role.VIEWER).get(reverse("flags:page", args=[999])).status_code == 404
