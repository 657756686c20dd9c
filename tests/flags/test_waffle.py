"""waffle's own interface: the same answers as a backend's client gives."""

import json
import logging
from decimal import Decimal
from typing import Any

import pytest
import waffle
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.template import Context, Template
from django.test import RequestFactory
from waffle.testutils import override_flag

from flags.evaluation import context_of_request
from flags.models import Flag, Segment
from ops_client import OpsClient
from ops_client.sql import statements
from ops_client.testing import MemoryStore
from ops_console.access.models import User
from ops_console.access.roles import Role
from tests.people import person

pytestmark = pytest.mark.django_db


def request(user: Any = None, path: str = "/", **cookies: str) -> Any:
    made = RequestFactory().get(path)
    made.user = user or AnonymousUser()
    made.COOKIES.update(cookies)
    made.LANGUAGE_CODE = "en-us"
    return made


def client_answers(name: str, requests: list[Any]) -> list[bool]:
    """What a backend would answer from the rows that the contract shows it."""
    store = MemoryStore({name: rows_of(statements()[name]) for name in ("flags", "segments")})
    with OpsClient("", service="t", store=store, poll_seconds=0.01, snapshot_path=None) as ops:
        return [ops.flags.is_enabled(name, context_of_request(asked, name)) for asked in requests]


def rows_of(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(found) FROM ({statement}) AS found")
        return [json.loads(document) for (document,) in cursor.fetchall()]


CASES: dict[str, tuple[dict[str, Any], bool, bool]] = {
    # fields of the flag: (fields, answer for an anonymous person, answer for an admin)
    "nothing": ({}, False, False),
    "everyone on": ({"everyone": True}, True, True),
    "killed": ({"everyone": False, "superusers": True, "percent": Decimal(100)}, False, False),
    "superusers": ({"superusers": True}, False, True),
    "staff": ({"staff": True}, False, True),
    "authenticated": ({"authenticated": True}, False, True),
    "languages": ({"languages": "de, en-us"}, True, True),
    "other languages": ({"languages": "fr"}, False, False),
    "all": ({"percent": Decimal(100)}, True, True),
    "none": ({"percent": Decimal(0)}, False, False),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_waffle_and_the_client_agree(case: str) -> None:
    """For every audience field, waffle's answer is the expected one and the client's is the same."""
    fields, anonymous, admin = CASES[case]
    Flag.objects.create(name="f", **fields)
    asked = [request(), request(person(Role.ADMIN))]
    assert [waffle.flag_is_active(each, "f") for each in asked] == [anonymous, admin]
    assert client_answers("f", asked) == [anonymous, admin]


def test_percentages_agree_for_every_user() -> None:
    """At 37 % waffle and the client let in the very same of 200 users."""
    Flag.objects.create(name="f", percent=Decimal("37"))
    asked = [request(User(pk=number, username=f"user{number}")) for number in range(1, 201)]
    answers = [waffle.flag_is_active(each, "f") for each in asked]
    assert answers == client_answers("f", asked)
    assert 40 < sum(answers) < 110


def test_listed_users_and_groups_are_in() -> None:
    """A listed user and a member of a listed group are let in, others are not; clearing the list is seen at once."""
    flag = Flag.objects.create(name="f")
    listed, member, other = (person(Role.VIEWER, name) for name in ("listed", "member", "other"))
    group = Group.objects.create(name="beta")
    member.groups.add(group)
    flag.users.add(listed)
    flag.groups.add(group)
    asked = [request(user) for user in (listed, member, other)]
    assert [waffle.flag_is_active(each, "f") for each in asked] == [True, True, False]
    assert client_answers("f", asked) == [True, True, False]
    flag.users.clear()
    assert not waffle.flag_is_active(request(listed), "f")


def test_segments_agree() -> None:
    """A rule that names a segment lets in whom the segment means; one that names none that exists lets in nobody."""
    Segment.objects.create(name="admins", constraints=[{"field": "superuser", "operator": "IN", "values": ["true"]}])
    Flag.objects.create(name="f", rules=[{"segments": ["admins"]}])
    Flag.objects.create(name="g", rules=[{"segments": ["gone"]}])
    asked = [request(), request(person(Role.ADMIN))]
    assert [waffle.flag_is_active(each, "f") for each in asked] == client_answers("f", asked) == [False, True]
    assert [waffle.flag_is_active(each, "g") for each in asked] == client_answers("g", asked) == [False, False]


def test_a_request_may_test_a_flag() -> None:
    """waffle's test parameter turns on a flag that allows testing, and no other."""
    Flag.objects.create(name="f", testing=True)
    Flag.objects.create(name="g")
    assert waffle.flag_is_active(request(path="/?dwft_f=1"), "f")
    assert not waffle.flag_is_active(request(path="/?dwft_g=1"), "g")


TESTED = [
    # path, headers, cookie, answer, what the cookie is set to
    ("/?dwft_f=1", {}, "", True, True),
    ("/?dwft_f=0", {}, "True", False, False),
    ("/?dwft_f=1", {"dwft-f": "0"}, "False", True, True),
    ("/", {"dwft-f": "1"}, "False", True, True),
    ("/", {"dwft-f": "0"}, "True", False, False),
    ("/", {}, "True", True, None),
    ("/", {}, "False", False, None),
    ("/", {}, "", True, None),
]


@pytest.mark.parametrize(("path", "headers", "cookie", "answer", "kept"), TESTED)
def test_a_request_says_whether_it_tests_a_flag(
    path: str, headers: dict[str, str], cookie: str, answer: bool, kept: bool | None
) -> None:
    """The parameter comes before the header, and that before the cookie; a test that is off wins over the rules."""
    Flag.objects.create(name="f", testing=True, percent=100)
    asked = RequestFactory().get(path, headers=headers)
    asked.user = AnonymousUser()
    if cookie:
        asked.COOKIES["dwft_f"] = cookie
    assert waffle.flag_is_active(asked, "f") is answer
    assert getattr(asked, "waffle_tests", {}) == ({} if kept is None else {"f": kept})


@pytest.mark.parametrize("fields", [{"testing": False}, {"testing": True, "everyone": True}])
def test_what_may_not_be_tested_is_not(fields: dict[str, Any]) -> None:
    """A flag that allows no testing, or is settled for everyone, answers as without the parameter."""
    Flag.objects.create(name="f", percent=100, **fields)
    asked = request(path="/?dwft_f=0")
    assert waffle.flag_is_active(asked, "f")
    assert not hasattr(asked, "waffle_tests")


def test_the_console_sets_the_test_cookie() -> None:
    """waffle's middleware is in place."""
    assert "waffle.middleware.WaffleMiddleware" in settings.MIDDLEWARE


def test_nobody_asks_without_a_request() -> None:
    """waffle allows None: nobody is let in by who they are, and a full rollout is on."""
    flag = Flag.objects.create(name="f", superusers=True, authenticated=True)
    assert flag.is_active(None) is False
    Flag.objects.filter(pk=flag.pk).update(percent=100)
    assert flag.is_active(None) is True


def test_a_request_without_a_language_has_none() -> None:
    """Without LocaleMiddleware no language is guessed from the console's own settings."""
    Flag.objects.create(name="f", languages="en-us, en")
    asked = request()
    del asked.LANGUAGE_CODE
    assert not waffle.flag_is_active(asked, "f")


def test_a_parameter_overrides_where_that_is_allowed(settings: Any) -> None:
    """WAFFLE_OVERRIDE lets a parameter with the flag's name settle a defined flag, and no other."""
    Flag.objects.create(name="f")
    assert not waffle.flag_is_active(request(path="/?f=1"), "f")
    settings.WAFFLE_OVERRIDE = True
    assert waffle.flag_is_active(request(path="/?f=1"), "f")
    Flag.objects.filter(name="f").update(everyone=True)
    assert not waffle.flag_is_active(request(path="/?f=0"), "f")
    assert not waffle.flag_is_active(request(path="/?g=1"), "g")


def test_what_is_not_saved_yet_counts() -> None:
    """A flag in hand says whether everyone has it."""
    flag = Flag.objects.create(name="f")
    flag.everyone = True
    assert flag.is_active_for_user(AnonymousUser())
    assert not Flag(name="f").is_active_for_user(AnonymousUser())


def test_missing_flags_are_logged_where_that_is_set(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """WAFFLE_LOG_MISSING_FLAGS is a level."""
    waffle.flag_is_active(request(), "absent")
    assert not caplog.records
    settings.WAFFLE_LOG_MISSING_FLAGS = logging.WARNING
    waffle.flag_is_active(request(), "absent")
    assert [record.getMessage() for record in caplog.records] == ["Flag absent not found"]


def test_the_template_tag_and_the_test_helper_work() -> None:
    """`{% flag %}` renders by our answer, and waffle's override_flag overrides it."""
    template = Template('{% load waffle_tags %}{% flag "f" %}on{% else %}off{% endflag %}')
    Flag.objects.create(name="f", everyone=False)
    assert template.render(Context({"request": request()})) == "off"
    with override_flag("f", active=True):
        assert template.render(Context({"request": request()})) == "on"


def test_a_check_costs_one_query(django_assert_num_queries: Any) -> None:
    """Without groups to look up, asking waffle for a flag is a single query."""
    Flag.objects.create(name="f", percent=Decimal(50))
    with django_assert_num_queries(1):
        waffle.flag_is_active(request(), "f")


def test_waffle_and_client_agree_on_prerequisites() -> None:
    """A flag that depends on others, and they on others, is on by waffle where it is on by the client."""
    Flag.objects.create(name="top", everyone=True)
    Flag.objects.create(name="middle", staff=True, prerequisites=[{"flag": "top"}])
    Flag.objects.create(name="f", authenticated=True, prerequisites=[{"flag": "middle"}, {"flag": "x", "state": "off"}])
    asked = [request(person(Role.ADMIN)), request()]
    before = [waffle.flag_is_active(each, "f") for each in asked]
    assert before == client_answers("f", asked)
    assert True in before
    Flag.objects.filter(name="top").update(everyone=False)
    assert [waffle.flag_is_active(each, "f") for each in asked] == client_answers("f", asked) == [False, False]


def test_an_undefined_flag_answers_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a row, OPS_FLAG_<NAME> decides, else waffle's default."""
    assert not waffle.flag_is_active(request(), "absent")
    monkeypatch.setenv("OPS_FLAG_ABSENT", "on")
    assert waffle.flag_is_active(request(), "absent")
