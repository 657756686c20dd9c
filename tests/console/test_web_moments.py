"""Dates that people type are in their zone, with UTC beside them; what names no zone is UTC."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.http import HttpResponse, QueryDict
from django.test import Client, RequestFactory
from django.utils import timezone

from embedded import paths
from ops_console.templatetags.ui import ago
from ops_console.web.moments import COOKIE, MomentField, exact, filter_names, zone_middleware, zone_named

PRAGUE = ZoneInfo("Europe/Prague")
SIX_UTC = datetime(2026, 7, 1, 18, tzinfo=UTC)


class Form(forms.Form):
    at = MomentField(label="Ends", required=False)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("at=2026-07-01T20:00&at_zone=Europe/Prague", SIX_UTC),
        ("at=2026-07-01T18:00&at_zone=UTC", SIX_UTC),
        ("at=2026-07-01T18:00", SIX_UTC),
        ("at=2026-07-01T18:00&at_zone=../../etc/passwd", SIX_UTC),
        ("at=2026-07-01T18:00&at_zone=%00", SIX_UTC),
        ("at=2026-07-01T20:00%2B02:00&at_zone=Asia/Tokyo", SIX_UTC),
        ("at=&at_zone=Europe/Prague", None),
        ("", None),
    ],
)
def test_a_moment_is_read_in_the_zone_of_its_page(typed: str, expected: datetime | None) -> None:
    """The zone is posted along; without one, or with one that does not exist, it is UTC."""
    form = Form(QueryDict(typed))
    assert form.is_valid()
    assert form.cleaned_data["at"] == expected
    assert expected is None or form.cleaned_data["at"].tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["soon", "2026-03-29T02:30", "9999-12-31T23:59", "0001-01-01T00:00", "2026-13-01T00:00", "\x002026"]
)
def test_a_moment_that_does_not_exist_is_refused(text: str) -> None:
    """No date, an hour that the clocks skip, the ends of the calendar: an error of the field, in every zone."""
    query = QueryDict(mutable=True)
    query.update({"at": text, "at_zone": "Europe/Prague"})
    form = Form(query)
    assert not form.is_valid()
    assert text.strip("\x00") in str(form["at"])


def test_a_field_names_its_zone_and_shows_utc() -> None:
    """The label and the posted zone are the viewer's; the moment stands in UTC beside it."""
    with timezone.override(PRAGUE):
        drawn = Form(initial={"at": SIX_UTC})["at"]
        assert drawn.label == "Ends (Europe/Prague)"
        for part in ('value="2026-07-01T20:00"', 'name="at_zone" value="Europe/Prague"', ">2026-07-01 18:00 UTC<"):
            assert part in str(drawn)
    with timezone.override(UTC):
        assert 'value="2026-07-01T18:00"' in str(Form(initial={"at": SIX_UTC})["at"])
        assert "<output" not in str(Form(initial={"at": SIX_UTC})["at"])


def test_a_link_means_the_same_moment_to_everybody() -> None:
    """Typed in Prague and opened in Tokyo, a filter shows the same moment on the other clock."""
    form = Form(QueryDict("at=2026-07-01T20:00&at_zone=Europe/Prague"))
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert 'value="2026-07-02T03:00"' in str(form["at"])
        assert 'value="Asia/Tokyo"' in str(form["at"])
        assert form.is_valid()
    assert form.cleaned_data["at"] == SIX_UTC


def test_clearing_a_filter_clears_its_zone() -> None:
    """The parameters of a form include the zones."""
    assert filter_names(Form()) == ["at", "at_zone"]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../UTC", "/etc/localtime", "a" * 5_000, "\0"])
def test_a_zone_that_does_not_exist_is_utc(name: str) -> None:
    """Whatever a cookie holds."""
    assert zone_named(name) == ZoneInfo("UTC")


@pytest.mark.parametrize(("cookie", "zone"), [("Europe/Prague", "Europe/Prague"), ("nowhere", "UTC"), ("", "UTC")])
def test_pages_are_in_the_zone_of_the_browser(cookie: str, zone: str) -> None:
    """For one request, and no longer."""
    request = RequestFactory().get("/")
    request.COOKIES[COOKIE] = cookie
    answer = zone_middleware(lambda _: HttpResponse(timezone.get_current_timezone_name()))
    assert answer(request).content.decode() == zone
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "2026-07-01 18:00 UTC"),
        ("Europe/Prague", "2026-07-01 20:00 CEST (18:00 UTC)"),
        ("Asia/Tokyo", "2026-07-02 03:00 JST (2026-07-01 18:00 UTC)"),
    ],
)
def test_a_sentence_names_both(zone: str, said: str) -> None:
    """The reader's clock and UTC, with UTC's day where it is another."""
    with timezone.override(ZoneInfo(zone)):
        assert exact(SIX_UTC) == said


def test_a_page_is_drawn_with_a_hostile_cookie(db: None) -> None:
    """The sign-in page answers, whatever the cookie holds."""
    client = Client()
    client.cookies[COOKIE] = "../../../etc/passwd"
    assert client.get("/accounts/login/").status_code == 200


def test_what_a_template_calls_utc_is_utc() -> None:
    """Templates write times in the viewer's zone: one with the word UTC beside it is converted first."""
    told = re.compile(r"\{\{ (?P<value>[^}]*)\|date:[^}]*\}\}(?= UTC)")
    templates = [*(paths.ROOT / "templates").rglob("*.html"), *(paths.ROOT / "templates").rglob("*.txt")]
    found = [(file.name, one["value"]) for file in templates for one in told.finditer(file.read_text())]
    assert found
    assert [one for one in found if not one[1].endswith("|utc")] == []


def test_a_time_shows_both_clocks_on_hover() -> None:
    """Also without a script."""
    assert 'title="2026-07-01 18:00:00 UTC"' in ago(SIX_UTC)
    with timezone.override(PRAGUE):
        assert 'title="2026-07-01 20:00:00 CEST\n2026-07-01 18:00:00 UTC"' in ago(SIX_UTC)
