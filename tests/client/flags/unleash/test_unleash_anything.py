"""Whatever stands in a document: it is read, or refused with the place named; what is read can be asked and stored."""

import copy
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from ops_client.errors import InvalidInput
from ops_client.flags.rules import definition_from_row, segment_from_row
from ops_client.flags.unleash import load, rows

DOCUMENT = {
    "features": [
        {
            "name": "a",
            "enabled": True,
            "type": "release",
            "project": "p",
            "strategies": [
                {
                    "name": "flexibleRollout",
                    "title": "t",
                    "parameters": {"rollout": "50", "stickiness": "userId", "groupId": "g"},
                    "constraints": [
                        {"contextName": "tier", "operator": "IN", "values": ["pro"], "inverted": False},
                        {"contextName": "age", "operator": "NUM_GT", "value": "5", "caseInsensitive": False},
                        {"contextName": "remoteAddress", "operator": "IN_CIDR", "values": ["10.0.0.0/8"]},
                    ],
                    "segments": [1],
                    "variants": [{"name": "v", "weight": 1, "payload": {"type": "json", "value": "1"}}],
                },
                {"name": "userWithId", "parameters": {"userIds": "1,2"}},
                {"name": "remoteAddress", "parameters": {"IPs": "::1"}},
            ],
            "variants": [
                {"name": "w", "weight": 1, "stickiness": "x", "overrides": [{"contextName": "y", "values": ["1"]}]}
            ],
            "dependencies": [{"feature": "b", "enabled": True, "variants": ["w"]}],
        },
        {"name": "b", "enabled": True, "strategies": []},
    ],
    "segments": [{"id": 1, "name": "s", "constraints": [{"contextName": "z", "operator": "REGEX", "value": "^a"}]}],
    "events": [
        {"type": "feature-updated", "feature": {"name": "c", "enabled": True}},
        {"type": "segment-removed", "segmentId": 2},
    ],
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def places(value, at=()):
    """The path to every node."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*at, key))


def replaced(value, at, by):
    """A copy with another value at a path."""
    if not at:
        return by
    made = copy.copy(value)
    made[at[0]] = replaced(value[at[0]], at[1:], by)
    return made


@given(at=st.sampled_from([at for at in places(DOCUMENT) if at]), by=anything)
def test_one_odd_value(at, by):
    """One odd value anywhere is refused, or turns something off; every row that is left is understood."""
    document = replaced(DOCUMENT, at, by)
    try:
        flags = load(document)
    except InvalidInput as error:
        assert error.field
        return
    for name in [*flags.snapshot.definitions, "a", "unknown"]:
        found = flags.variant(name, {"userId": "1", "properties": {"tier": "pro", "age": "6", "z": "abc"}})
        assert flags.is_enabled(name, {"userId": "1"}) in {True, False}
        assert found.enabled <= found.feature_enabled
    imported = rows(document)
    assert [definition_from_row(row).problems for row in imported.flags] == [()] * len(imported.flags)
    assert all(segment_from_row(row).name for row in imported.segments)


@given(anything)
def test_anything_at_all(value):
    """A document of anything is refused, or holds no flags."""
    with suppress(InvalidInput):
        assert not load(value).snapshot.definitions


contexts = st.dictionaries(st.sampled_from(["userId", "properties", "currentTime", "remoteAddress", "x"]), anything)


@given(contexts)
def test_any_context(context):
    """Asking never raises, whatever a context holds."""
    flags = load(DOCUMENT)
    assert flags.is_enabled("a", context) in {True, False}
    assert flags.variant("a", context).name in {"v", "w", "disabled"}
