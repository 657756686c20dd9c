"""The alerts' pages, as each role meets them."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from incidents.alerts.evaluation import evaluate_all, make_rules
from incidents.alerts.models import Alert, Rule
from incidents.alerts.services import acknowledge, edit_rule
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.contract.models import Instance
from ops_console.errors import Conflict, InvalidInput
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db
FORM = {"limit": "60", "for_seconds": "0", "keep_firing_seconds": "60", "timezone": "UTC", "enabled": "on"}


@pytest.fixture
def firing(open_breaker):
    open_breaker("gemini")
    evaluate_all()
    return Alert.objects.get()


def test_what_fires_is_listed_with_its_rule_and_message(firing):
    """The list shows the alert, which rule saw it, and what was written to whom."""
    text = signed_in(Role.VIEWER).get("/alerts/").content.decode()
    assert "gemini has been open for" in text
    assert "[test] Breaker open too long (gemini)" in text
    assert "mail to operators and admins" in text


def sentence(text):
    """What the page says of the evaluation, without tags, and without the seconds that a test may have taken."""
    words = " ".join(strip_tags(text.split('id="alerts-list"')[1].split("</section>")[0]).split())
    return re.sub(r"evaluated (just now|\d+ s ago)", "evaluated just now", words)


def test_the_page_claims_only_what_was_evaluated():
    """How many rules were evaluated, when, and that none fires: nothing is said of what no rule looks at."""
    Instance.objects.create(
        id=uuid4(), service="api", host="h", pid=1, client_version="1", contract="v1", started_at=timezone.now(),
        seen_at=timezone.now(),
    )  # fmt: skip
    evaluate_all()
    text = signed_in(Role.VIEWER).get("/alerts/").content.decode()
    assert "All 8 rules evaluated just now; none is firing." in sentence(text)
    assert "Nothing is wrong" not in text
    assert "More than 0 commands failed after 8 attempts" in text


def test_rules_without_data_and_disabled_rules_are_told():
    """What was not evaluated is said."""
    evaluate_all()  # no backend has reported
    Rule.objects.filter(pk="mass_stop").update(enabled=False)
    text = signed_in(Role.VIEWER).get("/alerts/").content.decode()
    assert "6 of 8 rules evaluated just now; none is firing. 1 has no data, 1 is disabled." in sentence(text)


def test_what_fires_is_counted(firing):
    text = signed_in(Role.VIEWER).get("/alerts/").content.decode()
    assert "rules evaluated just now; 1 alert is firing." in sentence(text)


@pytest.mark.parametrize("when", [None, timedelta(minutes=5)], ids=["never", "long ago"])
def test_no_evaluation_is_no_good_news(when):
    """While no worker evaluates, the alerts' page and the overview say so instead of a calm zero."""
    make_rules()
    Rule.objects.update(looked_at=timezone.now() - when if when else None)
    viewer = signed_in(Role.VIEWER)
    said = sentence(viewer.get("/alerts/").content.decode())
    assert ("rules were last evaluated 5 min ago" if when else "No rule has been evaluated yet") in said
    assert "none is firing" not in said
    tile = viewer.get("/").context["tiles"]()[0]
    assert (tile.tone, tile.note) == ("warn", "rules are not being evaluated")


def test_a_closed_alert_says_why(firing):
    """The list of resolved alerts and the alert's page tell "closed" from "resolved"."""
    edit_rule(actor(Role.ADMIN), "breaker_open", {"enabled": False}, version=1)
    viewer = signed_in(Role.VIEWER)
    for path in ("/alerts/?state=resolved", f"/alerts/{firing.pk}/"):
        text = viewer.get(path).content.decode()
        assert "The rule was disabled by alice." in text and "</svg>Closed</span>" in text


def test_somebody_is_on_it(firing):
    """An operator says so with a note, which others see; a second one is told who was first; Undo takes it back."""
    oscar = signed_in(Role.OPERATOR)
    assert oscar.get(f"/alerts/{firing.pk}/acknowledge/").status_code == 200
    assert oscar.post(f"/alerts/{firing.pk}/acknowledge/", {"note": "calling Google"}).status_code == 303
    text = signed_in(Role.VIEWER).get(f"/alerts/{firing.pk}/").content.decode()
    assert "oscar" in text
    assert "calling Google" in text
    with pytest.raises(Conflict, match="oscar has already acknowledged") as refused:
        acknowledge(actor(Role.ADMIN), firing.pk)
    assert refused.value.target == ("alert", str(firing.pk))
    oscar.post(f"/alerts/{firing.pk}/release/")
    firing.refresh_from_db()
    assert firing.acknowledged_by == ""
    assert list(Entry.objects.filter(target_type="alert").order_by("id").values_list("action", flat=True)) == [
        "alert.acknowledge",
        "alert.release",
    ]


def test_what_is_over_needs_nobody(firing):
    """An alert that is over cannot be acknowledged any more."""
    Alert.objects.update(state="resolved")
    with pytest.raises(InvalidInput, match="resolved"):
        acknowledge(actor(), firing.pk)


def test_an_admin_says_when_a_rule_speaks():
    """Limit, wait and quiet hours are saved with an entry; an older version is a conflict."""
    make_rules()
    admin, path = signed_in(Role.ADMIN), "/alerts/rules/breaker_open/"
    assert admin.get(path).status_code == 200
    given = {**FORM, "version": "1", "quiet_from": "22:00", "quiet_until": "07:00"}
    assert admin.post(path, given).status_code == 303
    rule = Rule.objects.get(pk="breaker_open")
    assert (rule.limit, str(rule.quiet_from), rule.version) == (60, "22:00:00", 2)
    assert Entry.objects.get(target_type="alert_rule").before["limit"] == 300
    with pytest.raises(Conflict):
        edit_rule(actor(Role.ADMIN), "breaker_open", {"limit": 5}, version=1)
    assert signed_in(Role.OPERATOR).post(path, given).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "-1"),
        ("limit", "nan"),
        ("for_seconds", "-1"),
        ("for_seconds", "999999999"),
        ("quiet_until", ""),
        ("timezone", "Mars/Base"),
        ("runbook_url", "javascript:alert(1)"),
    ],
)
def test_what_a_rule_cannot_be_is_said_beside_its_field(field, value):
    """A wrong value is refused, with the field that it is in, and nothing is saved."""
    make_rules()
    given = {**FORM, "version": "1", "quiet_from": "22:00", "quiet_until": "07:00", field: value}
    answer = signed_in(Role.ADMIN).post("/alerts/rules/breaker_open/", given)
    assert (answer.status_code, field in answer.context["form"].errors) == (422, True)
    assert Rule.objects.get(pk="breaker_open").version == 1


def test_the_list_asks_a_constant_number_of_queries(open_breaker):
    """However many alerts fire."""

    def counted():
        with CaptureQueriesContext(connection) as queries:
            signed_in(Role.VIEWER).get("/alerts/")
        return len(queries)

    open_breaker("one")
    evaluate_all()
    counted()
    before = counted()
    for number in range(5):
        open_breaker(f"more{number}")
    evaluate_all()
    assert counted() == before
