"""JSON kept as text: what is there stays, whatever it is."""

import json

import pytest

from incidents.operations.sources.text import NotAnObject, pretty, read_object, with_keys

ADDED = {"error_reason": "gave up"}


@pytest.mark.parametrize("text", [None, "{}", " { } "])
def test_nothing_becomes_an_object(text: str | None) -> None:
    """NULL and an empty object become an object of the added keys."""
    assert json.loads(with_keys(text, ADDED)) == ADDED


def test_other_keys_are_kept_as_they_were_written() -> None:
    """A number that no float can hold, and two equal keys, are still there byte for byte."""
    text = '{"big": 1e400, "exact": 0.10000000000000000001, "twice": 1, "twice": 2}'
    assert with_keys(text, ADDED) == text[:-1] + ', "error_reason": "gave up"}'


def test_a_key_that_is_there_is_replaced() -> None:
    """A second failure's reason stands once."""
    text = with_keys('{"a": 1, "error_reason": "first"}', ADDED)
    assert json.loads(text) == {"a": 1, "error_reason": "gave up"}
    assert text.count("error_reason") == 1


@pytest.mark.parametrize("text", ["", "not json", '{"half', "[]", "null", "42", '["x"]', "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    """Text that holds no object is never written over."""
    with pytest.raises(NotAnObject):
        with_keys(text, ADDED)


def test_an_object_is_read() -> None:
    """The object itself, and an empty one for NULL."""
    assert read_object('{"a": 1}') == {"a": 1}
    assert read_object(None) == {}


def test_broken_text_is_shown_as_it_is() -> None:
    """A person sees what stands there, and that it is not JSON."""
    assert pretty('{"half') == ('{"half', False)
    assert pretty('{"a":1}') == ('{\n  "a": 1\n}', True)
