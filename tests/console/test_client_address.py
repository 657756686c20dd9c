"""Where a request comes from, behind proxies and sockets: sign-in, changes and the log agree, whatever was sent."""

import logging
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client, override_settings

from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.api.calling import calling
from tests.console.conftest import PASSWORD

pytestmark = pytest.mark.django_db
# X-Forwarded-For, the peer, the address.
REQUESTS = [
    ("203.0.113.1:4711", "10.0.0.1", "203.0.113.1"),
    ("[2001:db8::1]:4711", "10.0.0.1", "2001:db8::1"),
    ("6.6.6.6, 203.0.113.1", "10.0.0.1", "203.0.113.1"),
    ("unknown", "10.0.0.1", "10.0.0.1"),
    ("fe80::1%eth0", "10.0.0.1", "fe80::1"),
    ("203.0.113.1", "", "203.0.113.1"),
    ("unknown", "", None),
    ("", "/run/console.sock", None),
    ("x" * 5000, "unix:", None),
]


@pytest.mark.parametrize(("forwarded_for", "peer", "address"), REQUESTS)
@override_settings(TRUSTED_PROXIES=1)
def test_people_sign_in_from_anywhere(operator: User, forwarded_for: str, peer: str, address: str | None) -> None:
    """A proxy that writes the port, or `unknown`, or a peer without an address, locks nobody out."""
    client = Client(headers={"X-Forwarded-For": forwarded_for}, REMOTE_ADDR=peer)
    assert client.post("/accounts/login/", {"login": "operator", "password": PASSWORD}).status_code == 302
    assert client.get("/flags/").status_code == 200
    assert UserSession.objects.get().ip == (address or "0.0.0.0")
    assert (address or "an unknown address") in client.get("/accounts/sessions/").text


@pytest.mark.parametrize(("forwarded_for", "peer", "address"), REQUESTS)
@override_settings(TRUSTED_PROXIES=1)
def test_changes_are_audited_and_logged_with_the_same_address(
    forwarded_for: str, peer: str, address: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The log does not take the first entry of the header, which anybody can send."""
    headers = {"X-Forwarded-For": forwarded_for}
    with caplog.at_level(logging.INFO):
        made = calling(Role.OPERATOR).post(
            "/api/v1/flags", {"name": "player"}, content_type="application/json", headers=headers, REMOTE_ADDR=peer
        )
    assert made.status_code == 201
    assert Entry.objects.get(action="flag.create").address == address
    assert [context["ip"] for context in contexts(caplog) if context["event"] == "request_started"] == [address]


@override_settings(TRUSTED_PROXIES=1, SIGN_IN_ADDRESS_RATE="3/m")
def test_an_ipv6_network_shares_its_attempts(operator: User) -> None:
    """Who has a /64 has not a limit for each of its addresses."""
    statuses = [
        Client(headers={"X-Forwarded-For": f"2001:db8:1:2::{number}"})
        .post("/accounts/login/", {"login": f"nobody{number}", "password": "wrong"})
        .status_code
        for number in range(4)
    ]
    assert statuses == [200, 200, 200, 429]


def contexts(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]
