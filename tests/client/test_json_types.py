"""Equality of decoded JSON: the same values with the same types, whatever Python thinks of `1 == True`."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.models import Kind
from ops_client.json_types import same_json

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def written(value: object) -> str:
    return json.dumps(value, sort_keys=True)


@given(documents, documents)
def test_same_json_is_the_same_text(one: object, other: object) -> None:
    """Two documents are the same exactly where their canonical texts are."""
    assert same_json(one, other) is (written(one) == written(other))


@given(documents)
def test_a_document_is_the_same_as_its_copy(document: object) -> None:
    """A document read back from its text is the same."""
    assert same_json(document, json.loads(written(document)))


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (False, 0), (5, 5.0), (0.0, -0.0), (1, True), ("1", 1), (None, False), ([], {})]
)
def test_types_are_told_apart(one: object, other: object) -> None:
    """At the top, in a list, in an object, both ways round."""
    assert not same_json(one, other)
    assert not same_json([{"values": [one]}], [{"values": [other]}])
    assert not same_json({"values": other}, {"values": one})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("5"), Decimal("5.00")),
        (Kind.RELEASE, "release"),
        ([1, "a"], (1, "a")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_columns_are_compared_by_value(one: object, other: object) -> None:
    """Decimals, enumerations, tuples and the order of an object's names make no difference."""
    assert same_json(one, other)
