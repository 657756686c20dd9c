"""Who came in, who tried to, what was taken out: entries of the audit, of which a flood writes a few."""

import csv
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from ops_console.access import token_services, tokens
from ops_console.access.actor import Actor
from ops_console.access.models import ApiToken
from ops_console.access.roles import Role
from ops_console.audit.models import Entry, Tally
from ops_console.audit.services import MOST_A_MINUTE
from ops_console.audit.tasks import seal
from tests.api.calling import with_token
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough password of ours"


def enter(client: Client, login: str, password: str = PASSWORD, address: str = "203.0.113.7") -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password}, REMOTE_ADDR=address)


@pytest.fixture
def vera() -> Any:
    user = person(Role.VIEWER)
    user.set_password(PASSWORD)
    user.save()
    return user


def told(action: str) -> list[tuple[str, str, str | None]]:
    rows = Entry.objects.filter(action=action).order_by("id")
    return list(rows.values_list("actor", "target_label", "address"))


def test_coming_and_going_is_recorded(vera: Any) -> None:
    """A sign-in and a sign-out, with the person and the address."""
    client = Client()
    assert enter(client, "vera").status_code == 302
    client.post(reverse("account_logout"), REMOTE_ADDR="203.0.113.7")
    assert told("person.sign_in") == [("vera", "vera", "203.0.113.7")]
    assert told("person.sign_out") == [("vera", "vera", "203.0.113.7")]
    page = signed_in(Role.VIEWER).get("/audit/").content.decode()
    assert "Signed in" in page and "Signed out" in page


def test_a_failed_sign_in_names_the_account_and_keeps_nothing_that_was_typed(vera: Any) -> None:
    """By name or mail; a name that nobody has may be a password, and is not kept."""
    enter(Client(), "vera@example.com", "wrong")
    enter(Client(), "hunter2-in-the-wrong-field", "wrong")
    assert told("person.sign_in_failed") == [
        ("unknown", "vera", "203.0.113.7"),
        ("unknown", "Unknown account", "203.0.113.7"),
    ]
    assert "hunter2" not in str(list(Entry.objects.values())) + str(list(Tally.objects.values()))


@override_settings(SIGN_IN_RATE="1000/m", SIGN_IN_ADDRESS_RATE="1000/m", SIGN_IN_ACCOUNT_RATE="1000/m")
def test_a_flood_of_failed_sign_ins_writes_a_few_entries(vera: Any) -> None:
    """The rest is counted, and one entry a minute says how many were left out."""
    enter(Client(), "vera", "wrong")
    with connection.cursor() as cursor:  # the minute does not turn in the middle of the test
        cursor.execute("UPDATE ops.audit_tally SET minute = minute + interval '1 hour'")
    for number in range(MOST_A_MINUTE + 7):
        enter(Client(), "vera", "wrong", f"203.0.113.{number}")
    assert len(told("person.sign_in_failed")) == MOST_A_MINUTE
    seal()
    entry = Entry.objects.filter(action="person.sign_in_failed").latest("id")
    assert (entry.target_label, entry.after, entry.actor) == ("vera", {"left_out": 8}, "console")
    seal()
    assert len(told("person.sign_in_failed")) == MOST_A_MINUTE + 1


def test_the_next_minute_is_recorded_again(vera: Any) -> None:
    """A full minute hides no later one."""
    enter(Client(), "vera", "wrong")
    Tally.objects.update(written=1000)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.audit_tally SET minute = minute - interval '1 minute'")
    enter(Client(), "vera", "wrong")
    assert len(told("person.sign_in_failed")) == 2


def test_a_wrong_second_factor_is_recorded(vera: Any) -> None:
    """With the account whose password was right, and no sign-in."""
    TOTP.activate(vera, "MFRGGZDFMZTWQ2LK")
    client = Client()
    enter(client, "vera")
    client.post(reverse("mfa_authenticate"), {"code": "000000"}, REMOTE_ADDR="203.0.113.7")
    assert told("person.second_factor_failed") == [("unknown", "vera", "203.0.113.7")]
    assert not told("person.sign_in")


@pytest.mark.parametrize("path", ["/flags/?format=csv&q=player", "/audit/?format=csv", "/quotas/overrides/export/"])
def test_a_download_is_recorded(path: str) -> None:
    """Who took which list, with its filter."""
    answer: Any = signed_in(Role.OPERATOR).get(path)
    assert list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))
    entry = Entry.objects.get(action="export.download")
    assert (entry.actor, entry.via, entry.after) == ("oscar", "web", {"filter": path.partition("?")[2]})


def test_an_export_by_the_api_is_recorded() -> None:
    """With the token that asked."""
    new = token_services.create(actor(), "deploy", "operator", ["flags:read"])
    with_token(new.text).get("/api/v1/flag-export")
    entry = Entry.objects.get(action="export.download")
    assert (entry.actor, entry.via, entry.credential, entry.target_id) == ("oscar", "api", "deploy", "flags")


def test_a_token_from_a_new_address_is_recorded_once() -> None:
    """Each address at its first use; of IPv6 one network, and no more than the last few addresses are kept."""
    new = token_services.create(actor(), "deploy", "operator", ["flags:read"])
    client = with_token(new.text)
    for address in ("203.0.113.7", "203.0.113.7", "2001:db8::1", "2001:db8::2"):
        client.get("/api/v1/flags", REMOTE_ADDR=address)
    entries = Entry.objects.filter(action="token.new_address").order_by("id")
    assert [entry.after["address"] for entry in entries] == ["203.0.113.7", "2001:db8::/64"]
    assert not Entry.objects.filter(action="token.update").exists()
    for number in range(tokens.MOST_ADDRESSES):
        tokens.note_address(new.token, actor_at(f"198.51.100.{number}"))
    kept = ApiToken.objects.get().addresses
    assert len(kept) == tokens.MOST_ADDRESSES and "203.0.113.7" not in kept


def actor_at(address: str) -> Actor:
    return replace(actor(), address=address)
