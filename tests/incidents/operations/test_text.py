"""JSON kept as text: what is there stays, whatever it is."""

import json

import pytest
from django.db import connection

from incidents.operations.sources.text import NotAnObject, pretty, read_object

ADDED = {"error_reason": "gave up", "error_at": "2026-11-24T10:00:00+00:00", "error_by": "oscar", "error_action": 7}


def with_keys(text: str | None) -> str | None:
    return _ask("SELECT ops_sources.with_failure(%s, %s)", text, json.dumps(ADDED))


def without_keys(text: str | None) -> str | None:
    return _ask("SELECT ops_sources.without_failure(%s)", text)


def _ask(statement: str, *params: object) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": {"b": [1e400, "}"]}}', "{}", '{"a": "\\"", "z": "\\u0000"}'])
def test_what_was_put_there_is_taken_out(text: str) -> None:
    """Whatever the object held before a failure, it holds byte for byte after the failure is taken back."""
    assert without_keys(with_keys(text)) == text


@pytest.mark.django_db
def test_a_null_is_told_from_an_empty_object() -> None:
    """What was NULL comes back as empty text, which stands for it; what holds more than ours was no NULL."""
    assert without_keys(with_keys(None)) == ""
    assert without_keys(with_keys("{ }")) == "{}"
    assert without_keys(with_keys(None)[:-1] + ', "b": 2}') == '{"b": 2}'
    assert without_keys(json.dumps({"a": "b"})[:-1] + ", " + json.dumps(ADDED)[1:]) == '{"a": "b"}'


@pytest.mark.django_db
def test_only_ours_is_taken_out() -> None:
    """Where somebody has written behind our keys, they are taken out all the same, and the other keys stay."""
    text = with_keys('{"a": 1}')
    changed = text[:-1] + ', "b": 2}'
    assert json.loads(without_keys(changed)) == {"a": 1, "b": 2}
    assert without_keys("not json") is None


@pytest.mark.django_db
@pytest.mark.parametrize("text", [None, "{}", " { } "])
def test_nothing_becomes_an_object(text: str | None) -> None:
    """NULL and an empty object become an object of the added keys."""
    assert json.loads(with_keys(text)) == ADDED


@pytest.mark.django_db
def test_other_keys_are_kept_as_they_were_written() -> None:
    """A number that no float can hold, and two equal keys, are still there byte for byte."""
    text = '{"big": 1e400, "exact": 0.10000000000000000001, "twice": 1, "twice": 2}'
    assert with_keys(text) == text[:-1] + ", " + json.dumps(ADDED)[1:]


@pytest.mark.django_db
def test_a_key_that_is_there_is_replaced() -> None:
    """A second failure's reason stands once."""
    text = with_keys('{"a": 1, "error_reason": "first"}')
    assert json.loads(text) == {"a": 1, **ADDED}
    assert text.count("error_reason") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "not json", '{"half', "[]", "null", "42", '["x"]', "[" * 100_000, '{"a": NaN}'])
def test_what_is_no_object_is_refused(text: str) -> None:
    """Text that holds no JSON object is never written over, and its deepest nesting stops nobody."""
    assert with_keys(text) is None
    with pytest.raises(NotAnObject):
        read_object(text if "NaN" not in text else "[]")


def test_an_object_is_read() -> None:
    """The object itself, and an empty one for NULL."""
    assert read_object('{"a": 1}') == {"a": 1}
    assert read_object(None) == {}


def test_broken_text_is_shown_as_it_is() -> None:
    """A person sees what stands there, and that it is not JSON."""
    assert pretty('{"half') == ('{"half', False)
    assert pretty('{"a":1}') == ('{\n  "a": 1\n}', True)
