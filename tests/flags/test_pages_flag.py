"""A flag's page at a glance, its history, and why it answers as it does."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flags import segment_services, services
from flags.models import Flag, Presence, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.flags.processes import alive
from tests.flags.usage_rows import asked
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db

CONSTRAINT = {"field": "tier", "operator": "IN", "values": ["pro"]}


@pytest.fixture
def flag() -> Flag:
    services.create(actor(), "parent", {}, State.ON)
    segment_services.create_segment(actor(), "office", {"constraints": [CONSTRAINT]})
    rules = [{"name": "first", "constraints": [CONSTRAINT], "segments": ["office"], "percent": 25}]
    values = {"rules": rules, "prerequisites": [{"flag": "parent"}], "variants": [{"name": "blue", "weight": 1}]}
    return services.create(actor(), "player", values, State.RULES)


def shown(flag: Flag, part: str = "page", role: Role = Role.VIEWER, **query: Any) -> str:
    return signed_in(role).get(reverse(f"flags:{part}", args=[flag.pk]), query).content.decode()


def test_a_viewer_reads_the_rules_in_words(flag: Flag) -> None:
    """What lets whom in, what it depends on and what depends on it, without any control."""
    body = shown(flag)
    assert "tier is one of pro; 25 % by user_id" in body and ">office</a>" in body
    assert ">parent</a> is on" in body and "Off for everyone</button>" not in body
    assert ">player</a>" in shown(Flag.objects.get(name="parent"))


def test_a_flag_that_plain_sql_broke_still_has_its_page(flag: Flag) -> None:
    """Documents that are no lists, or hold what is none, are shown as far as they can be read, on every part."""
    for broken in (5, {"a": 1}, [5, {"constraints": 7, "segments": "x", "variants": 3}, {"constraints": [None]}]):
        Flag.objects.filter(pk=flag.pk).update(rules=broken, variants=broken, prerequisites=broken, tags=broken)
        for part in ("page", "rules", "variants", "why", "history", "settings"):
            url = reverse(f"flags:{part}", args=[flag.pk])
            assert signed_in(Role.OPERATOR).get(url).status_code == 200, (part, broken)
        assert "player" in signed_in(Role.OPERATOR).get(reverse("flags:list")).content.decode()


def test_the_page_says_for_how_many_it_is_on(flag: Flag) -> None:
    """Of the users seen in the last day: it comes after the page, which does not wait, or by its link."""
    services.edit(actor(), flag.pk, {"rules": [{"constraints": [CONSTRAINT]}]}, flag.version)
    for user_id, tier in (("17", "pro"), ("18", "free")):
        Presence.objects.create(user_id=user_id, seen_at=timezone.now(), attributes={"tier": tier})
    assert "On now for" not in shown(flag) and reverse("flags:reach", args=[flag.pk]) in shown(flag)
    assert "On now for 1 of 2 users seen in the last day." in shown(flag, "reach")


def test_the_page_shows_use_as_picture_and_table(flag: Flag) -> None:
    """Counts by variant, and by service when asked; the same numbers stand in a table."""
    asked("player", 0, 700, variant="blue", service="web")
    asked("player", 1, 41, result=False, service="worker")
    body = shown(flag)
    assert (
        body.count('class="series-0" x=') == 1
        and '<td class="num">700</td>' in body
        and '<td class="num">41</td>' in body
    )
    by_service = shown(flag, by="service")
    assert "web <span" in by_service and "worker <span" in by_service


def test_the_page_names_processes_that_cannot_follow(flag: Flag) -> None:
    """A process that reports a problem with this flag stands on its page with what it said."""
    alive("old-web", problems=[{"flag": "player", "rule": "first", "message": "this version does not know CIDR"}])
    alive("other", problems=[{"flag": "parent", "rule": "x", "message": "elsewhere"}])
    body = shown(flag)
    assert "old-web" in body and "does not know CIDR" in body and "elsewhere" not in body


def test_the_lines_that_use_it_and_act_on_it(flag: Flag) -> None:
    """Python, OpenFeature and template lines, and the same act by CLI and curl, are there to copy."""
    body = shown(flag)
    assert "ops.flags.variant(&#x27;player&#x27;" in body and "get_boolean_value" in body and "waffle_tags" in body
    assert "flags off player --as vera" in body and "/api/v1/flags/player/state" in body


def test_the_page_takes_a_bounded_number_of_queries(flag: Flag) -> None:
    """Many rules, segments, processes and changes cost no more queries than few."""
    client = signed_in(Role.OPERATOR)
    url = reverse("flags:page", args=[flag.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as before:
        client.get(url)
    for number in range(10):
        alive(f"web-{number}", flag_defaults={"OPS_FLAG_PLAYER": "on"})
        services.edit(actor(), flag.pk, {"rules": flag.rules * (number + 2)}, flag.version + number)
    with CaptureQueriesContext(connection) as after:
        client.get(url)
    assert len(after) == len(before) <= 22


def test_a_change_is_taken_back_by_one_click(flag: Flag) -> None:
    """History says in words what was changed; its button sets it back, as a change of its own."""
    services.edit(actor(), flag.pk, {"rules": []}, flag.version)
    body = shown(flag, "history", Role.OPERATOR)
    entry = Entry.objects.filter(action="flag.edit").latest("id")
    assert "1. first: tier is one of pro; 25 % by user_id; in office" in body
    url = reverse("flags:revert", args=[flag.pk, entry.pk])
    assert url in body and url not in shown(flag, "history")
    assert signed_in(Role.OPERATOR).post(url).status_code == 303
    flag.refresh_from_db()
    assert flag.rules[0]["name"] == "first"


def test_a_change_that_was_changed_since_is_refused_with_both(flag: Flag) -> None:
    """Taking back what somebody changed again answers 409 with both versions, and changes nothing."""
    first = services.edit(actor(), flag.pk, {"owner": "team a"}, flag.version)
    entry = Entry.objects.filter(action="flag.edit").latest("id")
    services.edit(actor(), flag.pk, {"owner": "team b"}, first.version)
    answer = signed_in(Role.OPERATOR).post(reverse("flags:revert", args=[flag.pk, entry.pk]))
    assert answer.status_code == 409 and "team b" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.owner == "team b"


def test_an_entry_about_something_else_is_not_found(flag: Flag) -> None:
    """The address of one flag's history does not take back another's changes."""
    entry = Entry.objects.filter(target_label="parent").latest("id")
    assert signed_in(Role.OPERATOR).post(reverse("flags:revert", args=[flag.pk, entry.pk])).status_code == 404


def test_why_is_told_for_a_user_that_was_seen(flag: Flag) -> None:
    """What a backend said of the user is filled in, and every check stands there in words with its bucket."""
    Presence.objects.create(user_id="17", seen_at=timezone.now(), attributes={"tier": "pro"})
    body = shown(flag, "why", user="17")
    assert '<option value="17">' in body and "tier is one of pro: it is pro" in body
    assert "stands in bucket" in body and "flag parent must be on" in body


def test_why_takes_fields_and_json(flag: Flag) -> None:
    """Fields that were typed win over what is known, JSON over both; the context shows the outcome."""
    Presence.objects.create(user_id="17", seen_at=timezone.now(), attributes={"tier": "pro"})
    typed = {"user": "17", "field": ["tier", "groups"], "value": ["free", ""]}
    assert "it is free" in shown(flag, "why", **typed)
    body = shown(flag, "why", **typed, json='{"tier": ["team", "pro"], "x": 1}')
    assert "tier is one of pro: it is team, pro" in body


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "[" * 100_000])
def test_a_context_that_is_none_is_refused_at_its_field(flag: Flag, text: str) -> None:
    """What is no JSON object is answered with a sentence beside it."""
    answer = signed_in(Role.VIEWER).get(reverse("flags:why", args=[flag.pk]), {"json": text})
    assert answer.status_code == 422 and 'class="errors"' in answer.content.decode()
