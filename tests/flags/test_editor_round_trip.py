"""The editor never changes what nobody edited: every type of JSON, blanks, explicit defaults and odd spellings."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flags import segment_services, services
from flags.models import Flag, Segment, State
from ops_client.json_types import same_json
from ops_console.access.roles import Role
from tests import plain_form
from tests.people import actor, signed_in
from tests.plain_form import Pairs, sent

pytestmark = pytest.mark.django_db

TEXT = st.text("aä ,\"'<&\n\r\t\u2028", max_size=4) | st.sampled_from(["true", "True", "1", "5.0", "null", "[1]"])
SCALAR = TEXT | st.booleans() | st.integers(-10, 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.lists(SCALAR, max_size=4)
FIELD = st.sampled_from(["tier", "user_id", "x y", " padded "])
BOOLEANS = {"inverted": st.booleans(), "case_insensitive": st.booleans(), "strict": st.just(False)}


def one_of(operators: list[str], values: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(values).map(lambda value: [value])
    return st.fixed_dictionaries(
        {"field": FIELD, "operator": st.sampled_from(operators), "values": one}, optional=BOOLEANS
    )


CONSTRAINT = (
    st.fixed_dictionaries(
        {"field": FIELD, "operator": st.sampled_from(["IN", "NOT_IN"])}, optional={"values": VALUES, **BOOLEANS}
    )
    | st.fixed_dictionaries(
        {"field": FIELD, "operator": st.just("STR_CONTAINS"), "values": st.lists(SCALAR, min_size=1)}, optional=BOOLEANS
    )
    | one_of(["NUM_EQ", "NUM_LT"], [5, 5.0, "5", " 5 ", "1_000", "1e3", "1E+999", "+5", "\u0665", True and "05"])
    | one_of(
        ["DATE_AFTER", "DATE_BEFORE"],
        [
            "2026-01-01",
            "2026-01-01T10:00:00.123456+02:00",
            "2026-01-01T10:00",
            "0001-01-01T00:00:00+14:00",
            "1795392000",
            1795392000123,
        ],
    )
    | one_of(["SEMVER_GTE"], ["2.1.0", "1.0.0-rc.1+build", "v2", 2.0])
    | st.sampled_from(
        [
            {"field": "version", "operator": "SEMVER_GTE", "values": ["2.1.0"], "strict": True},
            {"field": "at", "operator": "DATE_AFTER", "values": ["2026-01-01T00:00:00Z"], "strict": True},
        ]
    )
)
PAYLOAD = st.fixed_dictionaries({"type": st.just("string"), "value": SCALAR}) | st.sampled_from(
    [{"type": "json", "value": "true"}, {"type": "json", "value": "\n[1,\r\n2]"}, {"type": "number", "value": 5.0}]
)
OVERRIDE = st.fixed_dictionaries(
    {"field": FIELD, "values": st.lists(SCALAR.filter(lambda each: each != ""), min_size=1)}
)


def variants(overrides: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    optional = {
        "payload": st.none() | PAYLOAD,
        "stickiness": st.sampled_from(["default", "session_id", "", None]),
        "overrides": st.lists(OVERRIDE, max_size=2) if overrides else st.just([]),
    }
    one = st.fixed_dictionaries({"name": st.sampled_from("ab")}, optional={**optional, "weight": st.integers(0, 1000)})
    first = st.fixed_dictionaries({"name": st.sampled_from([" c ", "d  e"]), "weight": st.just(1)}, optional=optional)
    return st.tuples(first, one).map(list) | st.tuples(first).map(list) | st.just([])


RULE = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "constraints": st.none() | st.lists(CONSTRAINT, max_size=3),
        "segments": st.lists(st.sampled_from(["zebra", "Ant", "bee"]), max_size=3),
        "percent": st.sampled_from([0, 100, 100.0, 5, 5.0, "5", "12.50", 12.345, 0.01, 1e-7]),
        "stickiness": st.sampled_from(["user_id", "session_id", "random"]),
        "group": st.sampled_from([None, "", "shared", " padded "]),
        "normaliser": st.sampled_from(["murmur3_10000", "unleash"]),
        "variants": variants(overrides=False),
    },
)
PREREQUISITE = st.fixed_dictionaries({"flag": st.just("parent"), "state": st.just("off")}) | st.fixed_dictionaries(
    {"flag": st.just("parent")}, optional={"state": st.just("on"), "variants": st.lists(st.sampled_from(["a", " b"]))}
)
# Examples follow one another in one transaction. Each takes three requests, which makes shrinking one too slow.
examples = settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def client() -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def flag() -> Flag:
    for name in ("zebra", "Ant", "bee"):
        segment_services.create_segment(actor(), name, {})
    services.create(actor(), "parent", {})
    return services.create(actor(), "player", {}, State.RULES)


def posted(client: Client, url: str, *orders: str) -> int:
    """Open a page, press buttons that draw it again, and save it, as a browser does."""
    body = client.get(url).content.decode()
    for order in orders:
        body = client.post(url, by_browser(plain_form.fields_of(body, "editor"), do=order)).content.decode()
    answer = client.post(url, by_browser(plain_form.fields_of(body, "editor")))
    assert answer.status_code == 303, answer.content.decode()
    return answer.status_code


def by_browser(pairs: Pairs, **more: str) -> plain_form.Body:
    """Lines end with CR LF, however the page wrote them."""
    return sent([(name, re.sub("\r\n|\r|\n", "\r\n", value)) for name, value in pairs], **more)


@examples
@given(st.lists(RULE, max_size=3), st.lists(PREREQUISITE, max_size=1))
def test_rules_come_through_the_page(
    client: Client, flag: Flag, rules: list[dict[str, Any]], prerequisites: list[dict[str, Any]]
) -> None:
    """Opened, drawn again and saved untouched, rules and prerequisites are what they were, and no version is made."""
    services.edit(actor(), flag.pk, {"rules": rules, "prerequisites": prerequisites}, version_of(flag))
    # As it is stored: PostgreSQL writes 1e+30 without its exponent.
    stored = Flag.objects.get(pk=flag.pk)
    assert posted(client, reverse("flags:rules", args=[flag.pk]), "refresh")
    after = Flag.objects.get(pk=flag.pk)
    assert same_json([after.rules, after.prerequisites], [stored.rules, stored.prerequisites])
    assert after.version == stored.version


@examples
@given(variants(overrides=True))
def test_variants_come_through_the_page(client: Client, flag: Flag, several: list[dict[str, Any]]) -> None:
    """As rules."""
    services.edit(actor(), flag.pk, {"variants": several}, version_of(flag))
    stored = Flag.objects.get(pk=flag.pk)
    assert posted(client, reverse("flags:variants", args=[flag.pk]), "refresh")
    after = Flag.objects.get(pk=flag.pk)
    assert same_json(after.variants, stored.variants)
    assert after.version == stored.version


@examples
@given(st.lists(CONSTRAINT, max_size=3))
def test_segments_come_through_the_page(client: Client, flag: Flag, constraints: list[dict[str, Any]]) -> None:
    """As rules."""
    segment = Segment.objects.get(name="bee")
    segment_services.edit_segment(actor(), segment.pk, {"constraints": constraints}, segment.version)
    stored = Segment.objects.get(pk=segment.pk)
    assert posted(client, reverse("flags:segment", args=[segment.pk]), "refresh")
    after = Segment.objects.get(pk=segment.pk)
    assert same_json(after.constraints, stored.constraints)
    assert after.version == stored.version


def test_an_edit_keeps_the_types_beside_it(client: Client, flag: Flag) -> None:
    """One more value, a new name: the other values keep their type and blanks, and the constraint its defaults."""
    constraint = {"field": "beta", "operator": "IN", "values": [True, 5.0, " a "], "inverted": False}
    services.edit(actor(), flag.pk, {"rules": [{"percent": 100, "constraints": [constraint]}]}, version_of(flag))
    url = reverse("flags:rules", args=[flag.pk])
    fields = plain_form.fields_of(client.get(url).content.decode(), "editor")
    changes = {"rule-0-name": "betas", "rule-0-constraint-0-values": "true\r\n5.0\r\na\r\nnew"}
    assert client.post(url, sent(fields, **changes)).status_code == 303
    edited = {**constraint, "values": [True, 5.0, " a ", "new"]}
    assert same_json(Flag.objects.get(pk=flag.pk).rules, [{"name": "betas", "percent": 100, "constraints": [edited]}])


@pytest.mark.parametrize("was", ["{", "5", "[]", "[" * 100_000, '{"values": {"a": 1}}', '{"field": 1}'])
def test_a_forged_document_is_ignored(client: Client, flag: Flag, was: str) -> None:
    """What comes in the hidden field is checked as all else; what cannot be read counts for nothing."""
    rules = [{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}]
    services.edit(actor(), flag.pk, {"rules": rules}, version_of(flag))
    url = reverse("flags:rules", args=[flag.pk])
    fields = plain_form.fields_of(client.get(url).content.decode(), "editor")
    forged = {"rule-0-was": was, "rule-0-constraint-0-was": was}
    assert client.post(url, sent(fields, **forged)).status_code == 303
    assert Flag.objects.get(pk=flag.pk).rules == rules


def version_of(flag: Flag) -> int:
    return Flag.objects.values_list("version", flat=True).get(pk=flag.pk)
