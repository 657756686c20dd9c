"""Documents of Unleash's, whole and in events: what is read, what is refused, and the rows that are stored."""

import pytest

from ops_client.errors import InvalidInput
from ops_client.flags.rules import definition_from_row, segment_from_row
from ops_client.flags.unleash import load, rows

WEB = {"contextName": "appName", "operator": "IN", "values": ["web"]}


def feature(name, enabled=True, **parts):
    return {"name": name, "enabled": enabled, "strategies": [{"name": "default"}], **parts}


def test_events_are_applied_in_their_order():
    """Later events change what earlier ones said; a hydration starts afresh."""
    flags = load(
        {
            "events": [
                {"eventId": 1, "type": "feature-updated", "feature": feature("before")},
                {"eventId": 2, "type": "hydration", "features": [feature("a"), feature("b")], "segments": []},
                {"eventId": 3, "type": "feature-updated", "feature": feature("a", enabled=False)},
                {"eventId": 4, "type": "feature-removed", "featureName": "b", "project": "default"},
                {"eventId": 5, "type": "feature-removed", "featureName": "never there"},
                {"eventId": 6, "type": "feature-updated", "feature": feature("c")},
            ]
        }
    )
    assert {name: flags.is_enabled(name) for name in ("before", "a", "b", "c")} == {
        "before": False,
        "a": False,
        "b": False,
        "c": True,
    }


def test_segments_follow_events():
    """A segment may come after the feature that uses it, change, and go."""
    uses = {"type": "feature-updated", "feature": feature("f", strategies=[{"name": "default", "segments": [1]}])}
    web = {"type": "segment-updated", "segment": {"id": 1, "constraints": [WEB]}}
    api = {"type": "segment-updated", "segment": {"id": 1, "constraints": [{**WEB, "values": ["api"]}]}}
    gone = {"type": "segment-removed", "segmentId": 1}
    context = {"appName": "web"}
    assert load({"events": [uses, web]}).is_enabled("f", context)
    assert not load({"events": [uses, web, api]}).is_enabled("f", context)
    assert not load({"events": [uses, web, gone]}).is_enabled("f", context)


def test_events_on_top_of_features():
    """A document that has both is the features, then the events."""
    both = load(
        {"features": [feature("a")], "events": [{"type": "feature-updated", "feature": feature("a", enabled=False)}]}
    )
    assert not both.is_enabled("a")


def test_the_last_of_two_features_with_one_name_counts():
    """As in Unleash's own clients."""
    assert not load({"features": [feature("a"), feature("a", enabled=False)]}).is_enabled("a")


def test_any_unicode_in_names():
    """Names are text, whatever the alphabet."""
    assert load({"features": [feature("Grüße-你好-🌍")]}).is_enabled("Grüße-你好-🌍")


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (None, "state"),
        ([], "state"),
        ({}, "state"),
        ({"flags": []}, "state"),
        ({"features": [feature("a")], "featureStrategies": []}, "state"),
        ({"features": {}}, "features"),
        ({"features": ["a"]}, "features[0]"),
        ({"features": [feature("a"), {"enabled": True}]}, "features[1].name"),
        ({"features": [feature("")]}, "features[0].name"),
        ({"features": [{"name": "a"}]}, "features[0].enabled"),
        ({"features": [feature("a", enabled="yes")]}, "features[0].enabled"),
        ({"features": [feature("a", strategies={})]}, "features[0].strategies"),
        ({"features": [feature("a", variants="b")]}, "features[0].variants"),
        ({"features": [feature("a", dependencies=5)]}, "features[0].dependencies"),
        ({"features": [], "segments": [5]}, "segments[0]"),
        ({"features": [], "segments": [{"id": "1"}]}, "segments[0].id"),
        ({"features": [], "segments": [{"id": 1, "constraints": "x"}]}, "segments[0].constraints"),
        ({"events": "none"}, "events"),
        ({"events": [{}]}, "events[0].type"),
        ({"events": [{"type": "feature-renamed"}]}, "events[0].type"),
        ({"events": [{"type": "hydration", "features": [5]}]}, "events[0].features[0]"),
        ({"events": [{"type": "feature-updated"}]}, "events[0].feature"),
        ({"events": [{"type": "feature-removed"}]}, "events[0].featureName"),
        ({"events": [{"type": "segment-updated", "segment": {}}]}, "events[0].segment.id"),
        ({"events": [{"type": "segment-removed"}]}, "events[0].segmentId"),
    ],
)
def test_no_such_document(state, field):
    """What is no document of Unleash's is refused, and the place in it is named."""
    with pytest.raises(InvalidInput) as caught:
        load(state)
    assert caught.value.field == field


def test_rows_hold_what_people_see():
    """Description, type and project of a feature come along; a disabled feature keeps its rules and is off."""
    (row,) = rows(
        {"features": [feature("a", enabled=False, description="Why", type="kill-switch", project="payments")]}
    ).flags
    assert (row["everyone"], row["archived"]) == (False, False)
    assert (row["note"], row["kind"], row["tags"]) == ("Why", "ops", ["project:payments"])
    assert len(row["rules"]) == 1


def test_rows_hold_no_defaults():
    """What is meant anyway is not written down, so that a rule which is edited and put back is the same again."""
    plain = {"name": "default", "constraints": [{**WEB, "inverted": False, "caseInsensitive": False}], "variants": []}
    none = {"name": "flexibleRollout", "parameters": {"rollout": "0", "stickiness": "userId"}, "segments": []}
    variants = [{"name": "v", "weight": 1, "payload": None, "stickiness": "default", "overrides": []}]
    (row,) = rows({"features": [feature("a", strategies=[plain, none], variants=variants)]}).flags
    web = {"field": "app_name", "operator": "IN", "values": ["web"]}
    assert row["rules"] == [
        {"name": "default", "constraints": [web]},
        {"name": "flexibleRollout", "percent": 0, "normaliser": "unleash"},
    ]
    assert row["variants"] == [{"name": "v", "weight": 1}]


@pytest.mark.parametrize(
    ("type", "kind"),
    [("release", "release"), ("experiment", "experiment"), ("operational", "ops"), ("kill-switch", "ops"),
     ("permission", "permission"), ("sdk-config", "release"), (None, "release")],
)  # fmt: skip
def test_kinds(type, kind):
    """Each of Unleash's types is one of our kinds."""
    (row,) = rows({"features": [feature("a", type=type)]}).flags
    assert row["kind"] == kind


def test_segments_have_names_of_their_own():
    """A segment without a name is called by its number, and two of one name are told apart."""
    segments = [{"id": 1, "name": "web"}, {"id": 2, "name": "web"}, {"id": 3}]
    uses = feature("a", strategies=[{"name": "default", "segments": [1, 2, 3]}])
    found = rows({"features": [uses], "segments": segments})
    assert [row["name"] for row in found.segments] == ["web", "web (2)", "unleash-3"]
    assert found.flags[0]["rules"][0]["segments"] == ["web", "web (2)", "unleash-3"]


def test_rows_can_be_stored_as_they_stand():
    """Odd parts are left out and told, so that what is stored is understood by every client."""
    odd = feature(
        "a",
        strategies=[{"name": "ourOwn"}, {"name": "default", "constraints": [WEB]}],
        variants=[{"name": "x", "weight": "heavy"}],
        dependencies=[{"feature": "gone"}, {"feature": "b"}],
    )
    found = rows({"features": [odd, feature("b")], "segments": [{"id": 1, "name": "web", "constraints": [WEB]}]})
    assert [problem.rule for problem in found.problems] == ["dependencies", "strategy 1 (ourOwn)", "variants"]
    assert all(definition_from_row(row).problems == () for row in found.flags)
    assert [segment_from_row(row).name for row in found.segments] == ["web"]
    assert (found.flags[0]["everyone"], [each["flag"] for each in found.flags[0]["prerequisites"]]) == (False, ["b"])


def test_variants_that_nobody_could_get_are_not_stored():
    """Variants without any weight, overrides without values, and tags that are too long would be refused."""
    nobody = {"name": "x", "weight": 0, "overrides": [{"contextName": "userId", "values": []}]}
    (row,) = rows({"features": [feature("a", variants=[nobody], project="p" * 50)]}).flags
    assert (row["variants"], row["tags"]) == ([], ["project:" + "p" * 32])


def test_circles_are_not_stored():
    """Two features that depend on each other are off, and no longer depend on each other."""
    circle = [feature("a", dependencies=[{"feature": "b"}]), feature("b", dependencies=[{"feature": "a"}])]
    assert [(row["everyone"], row["prerequisites"]) for row in rows({"features": circle}).flags] == [(False, [])] * 2
