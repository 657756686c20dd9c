"""The switch and the badge of a flag, as every row of the list has them."""

import re

import pytest
from django.test import Client

from flags.models import Flag
from ops_console.access.roles import Role
from tests.people import signed_in

pytestmark = pytest.mark.django_db
POSTS = r'<form method="post" action="{0}" hx-post="{0}" hx-swap="none" data-idempotent>\s*<input type="hidden" '
POSTS += r'name="csrfmiddlewaretoken" value="\w+">'
ASKS = r'<form method="get" action="{0}" hx-get="{0}" hx-target="#dialog-body" hx-swap="innerHTML">'


def row(client: Client, query: str = "") -> str:
    body = client.get(f"/flags/{query}").content.decode()
    return body[body.index("<tr data-key") : body.index("</tr>", body.index("<tr data-key"))]


@pytest.mark.parametrize(
    ("everyone", "protected", "leads_to", "form", "checked", "badge"),
    [
        (None, False, "off", POSTS, "true", "By its rules"),
        (True, False, "off", POSTS, "true", "On for everyone"),
        (False, False, "rules", POSTS, "false", "Off for everyone"),
        (True, True, "off", POSTS, "true", "On for everyone"),
        (False, True, "rules", ASKS, "false", "Off for everyone"),
    ],
)
def test_the_switch_leads_to_the_other_state(
    everyone: bool | None, protected: bool, leads_to: str, form: str, checked: str, badge: str
) -> None:
    """By its rules or on goes to off at once; off goes to its rules, and asks first where the flag is protected."""
    flag = Flag.objects.create(name="player", everyone=everyone, protected=protected)
    shown = row(signed_in(Role.OPERATOR))
    assert re.search(form.format(re.escape(f"/flags/{flag.pk}/state/{leads_to}/")), shown)
    assert f'role="switch" aria-checked="{checked}" aria-label="player"' in shown and badge in shown


def test_a_viewer_s_switch_does_nothing() -> None:
    """It shows the state, disabled, without a form."""
    Flag.objects.create(name="player", everyone=False)
    shown = row(signed_in(Role.VIEWER))
    assert 'type="button" disabled aria-checked="false"' in shown and "<form" not in shown


def test_an_archived_flag_has_no_switch() -> None:
    """It cannot be turned on or off."""
    Flag.objects.create(name="player", archived_at="2026-01-01T00:00:00Z")
    shown = row(signed_in(Role.OPERATOR), "?state=archived")
    assert 'role="switch"' not in shown and "archived" in shown.lower()
