"""Text that PostgreSQL can store: what is replaced, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.errors import InvalidInput
from ops_client.text import MOST_LEVELS, is_storable, name_problem, replace_unstorable, require_storable

SURROGATE = b"caf\xe9.wav".decode("utf-8", "surrogateescape")
TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(["\0", "\ud800", SURROGATE])
VALUES = st.recursive(
    TEXT | st.floats() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_replaced_is_storable(value: object) -> None:
    """Whatever a caller sends becomes JSON without NUL, surrogates and NaN, of the same shape."""
    stored = replace_unstorable(value)
    assert is_storable(stored)
    json.dumps(stored, allow_nan=False, ensure_ascii=False).encode()


@given(VALUES)
def test_storable_values_are_left_as_they_are(value: object) -> None:
    """Only what cannot be stored changes."""
    if is_storable(value):
        assert replace_unstorable(value) == value


LOOK_ALIKES = ["a\0b", "\ud83d", "new\u200bplayer", "a\u202eb", "\ufeffa", "a\tb", "a\u00a0b", "a\u2028b", "a\u00adb"]


@pytest.mark.parametrize("name", [*LOOK_ALIKES, "cafe\u0301", "\u212b"])
def test_a_name_that_looks_like_another_is_told(name: str) -> None:
    """The sentence says what is wrong in characters that can be seen."""
    problem = name_problem(name)
    assert problem and problem.isprintable()


@pytest.mark.parametrize("name", ["new_player", "Neuer Spieler 2", "café", "\u65b0\u3057\u3044", "a.b-c/d", ""])
def test_a_plain_name_has_no_problem(name: str) -> None:
    """In any language."""
    assert name_problem(name) == ""


@pytest.mark.parametrize("value", ["a\0b", "\ud83d", SURROGATE, ["x", "\0"], {"\ud800": 1}, {"a": float("nan")}])
def test_an_identity_is_refused_by_name(value: object) -> None:
    """Two names that differ must not become one: the field is named instead."""
    with pytest.raises(InvalidInput) as refusal:
        require_storable("user_id", value)
    assert refusal.value.field == "user_id"


def test_replacement_shows_where_it_was() -> None:
    """The rest of the text stays, with one replacement character for each that was lost."""
    assert replace_unstorable(SURROGATE) == "caf\N{REPLACEMENT CHARACTER}.wav"
    assert replace_unstorable({"a\0": ["\ud800", float("inf")]}) == {
        "a\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", None]
    }


def test_endless_nesting_is_cut() -> None:
    """A value that is nested too deeply for any reader loses its depths, not its process."""
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    assert not is_storable(value)
    assert json.dumps(replace_unstorable(value)).count("[") == MOST_LEVELS
