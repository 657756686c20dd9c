"""A session's last sight: written once a minute, and at once when its browser is another one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ops_console.access.models import User
from ops_console.access.session_activity import EVERY

SignedIn = Callable[[User], Client]


@pytest.fixture
def client_seen(operator: User, signed_in: SignedIn) -> Client:
    client = signed_in(operator)
    client.get("/flags/")
    return client


def test_pages_within_a_minute_write_nothing(client_seen: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        client_seen.get("/flags/")
    assert not [query["sql"] for query in captured if query["sql"].startswith(("UPDATE", "INSERT"))]


def test_a_page_after_a_minute_is_noted(client_seen: Client) -> None:
    long_ago = UserSession.objects.get().last_seen_at - EVERY - timedelta(seconds=1)
    UserSession.objects.update(last_seen_at=long_ago)
    client_seen.get("/flags/")
    assert UserSession.objects.get().last_seen_at > long_ago + EVERY


@pytest.mark.parametrize("changed", [{"HTTP_USER_AGENT": "another browser"}, {"REMOTE_ADDR": "192.0.2.77"}])
def test_another_browser_or_address_is_noted_at_once(client_seen: Client, changed: dict[str, str]) -> None:
    client_seen.get("/flags/", **changed)
    session = UserSession.objects.get()
    assert changed.items() <= {"HTTP_USER_AGENT": session.user_agent, "REMOTE_ADDR": session.ip}.items()
