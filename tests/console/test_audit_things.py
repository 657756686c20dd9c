"""Entries of the audit lead to what they are about, read like the thing's own history, and are reverted from there."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from flags import services as flag_services
from flags.models import State
from ops_console.access.models import User
from ops_console.audit import things
from ops_console.audit.models import Entry
from ops_console.audit.revert import _REVERTERS
from tests.console.conftest import acting

SignedIn = Callable[[User], Client]
USER = "11111111-1111-4111-8111-111111111111"


def entry(target_type: str, target_id: str, **more: object) -> Entry:
    return Entry(actor="a", via="web", action="x", target_type=target_type, target_id=target_id, **more)


@pytest.mark.parametrize(
    ("target_type", "target_id", "url"),
    [
        ("flag", "7", "/flags/7/"),
        ("segment", "7", "/flags/segments/7/"),
        ("override", f"{USER}/api_calls", f"/quotas/users/{USER}/"),
        ("usage", f"{USER}/api_calls", f"/quotas/users/{USER}/"),
        ("policy", "pro/api_calls", "/quotas/tiers/pro/api_calls/"),
        ("resource", "api_calls", "/quotas/resources/api_calls/"),
        ("breaker", "gemini", "/breakers/gemini/"),
        ("action", "12", "/operations/actions/12/"),
        ("alert", "12", "/alerts/12/"),
        ("alert_rule", "silent", "/alerts/rules/silent/"),
        ("person", "3", "/access/3/"),
        ("token", "3", "/access/tokens/"),
        ("sweep", "episode_assembly", "/sweep/"),
        ("process", USER, "/system/"),
        # Written in the database, with ids of another form: no link, and no error.
        ("flag", "new_player", ""),
        ("override", "17", ""),
        ("policy", "", ""),
        ("something", "7", ""),
    ],
)
def test_an_entry_leads_to_its_thing(target_type: str, target_id: str, url: str) -> None:
    """Each kind of thing has a page; an unknown kind or id has none."""
    assert things.page_of(entry(target_type, target_id)) == url


def test_every_kind_that_can_be_reverted_has_a_page() -> None:
    """What an app registers to be reverted, it registers to be shown."""
    assert set(_REVERTERS) <= set(things.types())


def test_a_change_of_a_flag_reads_as_in_its_history(operator: User, signed_in: SignedIn) -> None:
    """ "by its rules -> off for everyone" in the list and on the entry's page, not "everyone: None -> False"."""
    flag = flag_services.create(acting(operator), "player", {}, State.RULES)
    flag_services.set_state(acting(operator), flag.pk, State.OFF)
    client, made = signed_in(operator), Entry.objects.latest("id")
    for path in ("/audit/?action=flag.off", f"/audit/{made.pk}/"):
        page = client.get(path).content.decode()
        assert re.search(r"by its rules</del>.*?off for everyone</ins>", page, re.S), path
        assert f'href="/flags/{flag.pk}/"' in page


def test_a_change_is_reverted_from_the_audit(operator: User, viewer: User, signed_in: SignedIn) -> None:
    """Operators find Revert on the entry and in the list, where it asks first; viewers do not."""
    flag = flag_services.create(acting(operator), "player", {}, State.RULES)
    flag_services.set_state(acting(operator), flag.pk, State.OFF)
    made = Entry.objects.latest("id")
    client, url = signed_in(operator), f"/flags/{flag.pk}/revert/{made.pk}/"
    for path in ("/audit/", f"/audit/{made.pk}/"):
        assert f'hx-get="{url}"' in client.get(path).content.decode()
        assert url not in signed_in(viewer).get(path).content.decode()
    assert "Cancel" in client.get(url).content.decode()
    client.post(url)
    flag.refresh_from_db()
    assert flag.state == State.RULES


def test_an_entry_that_created_a_thing_has_no_revert(operator: User, signed_in: SignedIn) -> None:
    """There is nothing before it."""
    flag_services.create(acting(operator), "player", {}, State.RULES)
    assert "Revert…" not in signed_in(operator).get(f"/audit/{Entry.objects.latest('id').pk}/").content.decode()


def test_filters_suggest_what_there_is(operator: User, signed_in: SignedIn) -> None:
    """Distinct actors, actions and kinds, escaped, in lists that the fields refer to; a fragment does not read them."""
    flag_services.create(acting(operator), "player", {}, State.RULES)
    entry("flag", "1", target_label="").save()
    Entry.objects.create(actor='"><script>', via="web", action="x", target_type="t", target_id="1", target_label="")
    client = signed_in(operator)
    page = client.get("/audit/").content.decode()
    offered = dict(re.findall(r'<datalist id="([\w-]+)">(.*?)</datalist>', page, re.S))
    values = {name: [unescape(one) for one in re.findall(r'value="([^"]*)"', text)] for name, text in offered.items()}
    assert {"operator", "a", '"><script>'} <= set(values["audit-actors"])
    assert {"flag.create", "x"} <= set(values["audit-actions"])
    assert {"flag", "override"} <= set(values["audit-types"])
    assert set(re.findall(r'<input[^>]* list="([\w-]+)"', page)) == set(offered)
    with CaptureQueriesContext(connection) as asked:
        client.get("/audit/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="audit-list")
    assert not [one for one in asked if "RECURSIVE" in one["sql"]]
