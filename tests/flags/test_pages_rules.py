"""The rules' editor as a plain form: rows come, move and go by buttons, and what is saved is what stood there."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from flags import services
from flags.models import Flag, Segment, State
from ops_console.access.roles import Role
from tests import plain_form
from tests.people import actor, signed_in
from tests.plain_form import Pairs, sent

pytestmark = pytest.mark.django_db

RULES: list[dict[str, Any]] = [
    {"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro", "team"]}], "percent": 25},
    {
        "constraints": [
            {"field": "user_id", "operator": "STR_ENDS_WITH", "values": ["@example.com"], "case_insensitive": True},
            {"field": "current_time", "operator": "DATE_AFTER", "values": ["2026-01-01T10:00:00Z"], "inverted": True},
            {"field": "app_version", "operator": "SEMVER_GTE", "values": ["2.1.0"]},
            {"field": "age", "operator": "NUM_LT", "values": ["18"]},
            {"field": "remote_address", "operator": "CIDR", "values": ["10.0.0.0/8"]},
            {"field": "user_id", "operator": "REGEX", "values": ["^a,b$"]},
        ],
        "percent": 12.34,
        "stickiness": "session_id",
        "group": "shared",
        "variants": [{"name": "blue", "weight": 1, "payload": {"type": "json", "value": '{"a": 1}'}}],
    },
]


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"rules": RULES}, State.RULES)


def rules_url(flag: Flag) -> str:
    return reverse("flags:rules", args=[flag.pk])


def fields_of(body: str) -> Pairs:
    return plain_form.fields_of(body, "editor")


def opened(client: Client, flag: Flag) -> Pairs:
    return fields_of(client.get(rules_url(flag)).content.decode())


def test_saving_what_was_shown_changes_nothing(flag: Flag) -> None:
    """Every kind of constraint, variants and percentages come through the form as they went in."""
    client = signed_in(Role.OPERATOR)
    answer = client.post(rules_url(flag), sent(opened(client, flag)))
    assert answer.status_code == 303
    flag.refresh_from_db()
    assert flag.rules == RULES and flag.version == 1


def test_rules_are_moved_copied_and_removed_by_buttons(flag: Flag) -> None:
    """Down, duplicate and remove draw the form again without saving; what is saved then is the new order."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    for order in ("down rule-0", "copy rule-0", "remove rule-2"):
        answer = client.post(rules_url(flag), sent(fields, do=order))
        assert answer.status_code == 200
        fields = fields_of(answer.content.decode())
    flag.refresh_from_db()
    assert flag.rules == RULES
    client.post(rules_url(flag), sent(fields))
    flag.refresh_from_db()
    assert flag.rules == [RULES[1], RULES[0]]


def test_a_rule_is_built_without_a_script(flag: Flag) -> None:
    """An empty rule and an empty constraint are added by buttons, filled in, and saved."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    for order in ("add rule", "add rule-2-constraint"):
        fields = fields_of(client.post(rules_url(flag), sent(fields, do=order)).content.decode())
    typed = {"rule-2-percent": "0.5", "rule-2-constraint-0-field": "tier", "rule-2-constraint-0-values": "pro\r\nteam"}
    assert client.post(rules_url(flag), sent(fields, **typed)).status_code == 303
    flag.refresh_from_db()
    constraint = {"field": "tier", "operator": "IN", "values": ["pro", "team"]}
    assert flag.rules[2] == {"constraints": [constraint], "percent": 0.5}


def test_the_order_of_fields_is_the_order_of_rules(flag: Flag) -> None:
    """A rule that was dragged above another one in the page is above it when saved."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    dragged = [pair for pair in fields if pair[0].startswith("rule-1-")]
    rest = [pair for pair in fields if not pair[0].startswith("rule-1-")]
    client.post(rules_url(flag), sent([*dragged, *rest]))
    flag.refresh_from_db()
    assert flag.rules == [RULES[1], RULES[0]]


def test_the_input_follows_the_operator(flag: Flag) -> None:
    """Choosing another operator draws the input that suits it."""
    client = signed_in(Role.OPERATOR)
    changes = {"do": "refresh", "rule-0-constraint-0-operator": "NUM_GT"}
    body = client.post(rules_url(flag), sent(opened(client, flag), **changes)).content.decode()
    assert re.search(r'<input type="number"[^>]*name="rule-0-constraint-0-values"', body)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("rule-1-constraint-2-values", "two", "constraint 3"),
        ("rule-1-constraint-4-values", "10.0.0.0/99", "constraint 5"),
        ("rule-1-constraint-5-values", "(", "constraint 6"),
        ("rule-0-percent", "101", "rule 1"),
        ("rule-1-variant-0-payload", "{", "variant 1"),
        ("rule-1-variant-0-weight", "many", "variant 1"),
    ],
)
def test_a_row_that_cannot_be_says_so_itself(flag: Flag, field: str, typed: str, said: str) -> None:
    """The refusal stands in the row that caused it, everything typed is still there, and nothing was saved."""
    client = signed_in(Role.OPERATOR)
    answer = client.post(rules_url(flag), sent(opened(client, flag), **{field: typed}))
    body = answer.content.decode()
    assert answer.status_code == 422
    at = body.index(f'name="{field}"')
    assert said in body[body.rindex("has-errors", 0, at) : body.index("</li>", at)]
    assert (field, typed) in fields_of(body)
    flag.refresh_from_db()
    assert flag.rules == RULES


def test_what_the_editor_cannot_show_is_kept_as_json(flag: Flag) -> None:
    """A rule of a newer version survives a save of its neighbours, shown as the JSON that it is."""
    newer = {"name": "x", "lottery": {"seats": 3}}
    Flag.objects.filter(pk=flag.pk).update(rules=[newer])
    body = signed_in(Role.OPERATOR).get(rules_url(flag)).content.decode()
    assert "lottery" in dict(fields_of(body))["rule-0-json"]


def test_a_cycle_is_refused_with_the_way_round(flag: Flag) -> None:
    """A flag that would depend on itself is not saved, and the circle is shown."""
    services.create(actor(), "child", {"prerequisites": [{"flag": "player"}]})
    client = signed_in(Role.OPERATOR)
    fields = fields_of(client.post(rules_url(flag), sent(opened(client, flag), do="add prerequisite")).content.decode())
    answer = client.post(rules_url(flag), sent(fields, **{"prerequisite-0-flag": "child"}))
    assert answer.status_code == 422
    assert "player -&gt; child -&gt; player" in answer.content.decode()


def test_a_time_is_not_cut_to_what_the_input_shows(flag: Flag) -> None:
    """A moment with parts of a second, set by the API, is the same after the form was saved unchanged."""
    moment = datetime(2027, 1, 1, 8, 0, 5, 123456, tzinfo=UTC)
    services.edit(actor(), flag.pk, {"on_at": moment}, flag.version)
    client = signed_in(Role.OPERATOR)
    assert client.post(rules_url(flag), sent(opened(client, flag))).status_code == 303
    flag.refresh_from_db()
    assert (flag.on_at, flag.version) == (moment, 2)


def test_a_schedule_is_typed_in_utc(flag: Flag) -> None:
    """What is typed without a zone is kept as UTC, and an end before its beginning is refused at its field."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    assert client.post(rules_url(flag), sent(fields, on_at="2027-01-01T08:00")).status_code == 303
    flag.refresh_from_db()
    assert flag.on_at and flag.on_at.isoformat() == "2027-01-01T08:00:00+00:00"
    late = sent(opened(client, flag), off_at="2026-12-01T08:00")
    answer = client.post(rules_url(flag), late)
    assert answer.status_code == 422 and "id_off_at_error" in answer.content.decode()


def test_a_constraints_time_is_shown_and_typed_in_the_persons_zone(flag: Flag) -> None:
    """2026-01-01 10:00 UTC is 11:00 in Prague, with UTC beside it; what is typed there is kept as UTC."""
    client = signed_in(Role.OPERATOR)
    client.cookies["timezone"] = "Europe/Prague"
    body = client.get(rules_url(flag)).content.decode()
    assert 'time in Europe/Prague"' in body and '<output class="utc">2026-01-01 10:00 UTC</output>' in body
    fields = fields_of(body)
    place = "rule-1-constraint-1"
    assert dict(fields)[f"{place}-values"] == "2026-01-01T11:00:00"
    assert client.post(rules_url(flag), sent(fields)).status_code == 303
    flag.refresh_from_db()
    assert flag.rules == RULES
    fields = opened(client, flag)
    # A page that was opened in Prague is sent from a browser that has moved to New York meanwhile.
    client.cookies["timezone"] = "America/New_York"
    assert client.post(rules_url(flag), sent(fields, **{f"{place}-values": "2026-07-01T12:00:00"})).status_code == 303
    flag.refresh_from_db()
    assert flag.rules[1]["constraints"][1]["values"] == ["2026-07-01T10:00:00Z"]


@pytest.mark.parametrize("hour", ["00:30", "01:30"])
def test_the_hour_that_clocks_show_twice_is_kept(flag: Flag, hour: str) -> None:
    """In Prague 02:30 of 2026-10-25 comes twice: neither of the two becomes the other by saving what is shown."""
    rules = [{"constraints": [{"field": "at", "operator": "DATE_AFTER", "values": [f"2026-10-25T{hour}:00Z"]}]}]
    services.edit(actor(), flag.pk, {"rules": rules}, flag.version)
    client = signed_in(Role.OPERATOR)
    client.cookies["timezone"] = "Europe/Prague"
    fields = opened(client, flag)
    assert client.post(rules_url(flag), sent(fields, **{"rule-0-name": "late"})).status_code == 303
    flag.refresh_from_db()
    assert flag.rules == [{"name": "late", **rules[0]}]


def test_the_second_editor_sees_both_versions(flag: Flag) -> None:
    """Rules that were read before somebody else's save answer 409 with both, and an offer to put one's own over it."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    services.edit(actor(name="early"), flag.pk, {"rules": []}, flag.version)
    answer = client.post(rules_url(flag), sent(fields, **{"rule-0-name": "mine"}))
    body = answer.content.decode()
    assert answer.status_code == 409
    assert (
        "1. mine: tier is one of pro, team" in body and "superusers" not in body.split("</table>")[0].split("rules")[0]
    )
    assert "Overwrite with mine" in body and 'name="rule-0-name"' in body


def test_orders_that_are_none_do_nothing(flag: Flag) -> None:
    """Buttons that nobody drew, keys that are no numbers and kinds that are none change nothing and break nothing."""
    client = signed_in(Role.OPERATOR)
    fields = opened(client, flag)
    for order in ("remove rule-99", "up", "add flag", "add rule-x", "copy rule", "burn rule-0", "down rule-0-name"):
        body = client.post(rules_url(flag), sent([*fields, ("rule-x-name", "y"), ("a-1-b", "c")], do=order))
        assert fields_of(body.content.decode()) == fields, order


def test_a_thousand_segments_do_not_make_a_page_of_a_thousand_boxes(flag: Flag) -> None:
    """The first have boxes, and so has each that a rule chose; any other is typed by its name."""
    Segment.objects.bulk_create(Segment(name=f"segment_{number:03}") for number in range(300))
    rules = [{"constraints": [], "segments": ["segment_250"], "percent": 5}]
    Flag.objects.filter(pk=flag.pk).update(rules=rules)
    client = signed_in(Role.OPERATOR)
    body = client.get(rules_url(flag)).content.decode()
    assert body.count('name="rule-0-segments"') < 60
    assert "is off)" not in body, "a segment that exists is not called gone"
    pairs = [(name, value) for name, value in opened(client, flag) if (name, value) != ("rule-0-segments", "")]
    answer = client.post(rules_url(flag), sent([*pairs, ("rule-0-segments", " segment_299 ")]))
    assert answer.status_code == 303
    assert Flag.objects.get(pk=flag.pk).rules[0]["segments"] == ["segment_250", "segment_299"]
