"""The editor's rows: whatever is posted becomes rows or nothing, and documents come through as they went in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.editor import documents
from flags.editor.rows import KINDS, MOST_ROWS, Row, obey, parse
from ops_console.errors import InvalidInput

NAMES = st.lists(st.sampled_from([*KINDS, "0", "1", "7", "x", "", "name", "values", "999999999"]), max_size=7)
TEXTS = st.lists(st.text(max_size=8), max_size=2)
CONSTRAINTS = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["tier", "user_id", "x y"]),
        "operator": st.sampled_from(["IN", "NOT_IN", "STR_CONTAINS", "REGEX", "CIDR"]),
        "values": st.lists(st.text("abc ,-äß", min_size=1).map(str.strip).filter(bool), unique=True, max_size=4),
    },
    optional={"inverted": st.just(True), "case_insensitive": st.just(True)},
)
VARIANTS = st.fixed_dictionaries(
    {"name": st.text("abc", min_size=1), "weight": st.integers(0, 1000)},
    optional={
        "payload": st.fixed_dictionaries({"type": st.sampled_from(["string", "json"]), "value": st.text("{}:1 ")}),
        "stickiness": st.just("session_id"),
    },
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text("abc", min_size=1),
        "constraints": st.lists(CONSTRAINTS, min_size=1, max_size=3),
        "segments": st.lists(st.sampled_from(["a", "b"]), unique=True, min_size=1),
        "percent": st.sampled_from([0, 1, 12.34, 99.99]),
        "stickiness": st.sampled_from(["session_id", "random", "default", "tier"]),
        "group": st.just("shared"),
        "normaliser": st.just("unleash"),
        "variants": st.lists(VARIANTS, min_size=1, max_size=3),
    },
)


def posted(root: Row) -> list[tuple[str, list[str]]]:
    """The rows as a browser sends them."""
    return [
        (f"{row.path}-{name}" if row.path else name, values)
        for row in root.everywhere()
        for name, values in row.values.items()
        if values
    ] + [(f"{row.path}-shown", ["1"]) for row in root.everywhere() if row.path]


@given(st.lists(RULES, max_size=4))
def test_documents_come_through_the_form(rules: list[dict[str, Any]]) -> None:
    """Shown as rows, posted, and read again: the same documents, in the same order."""
    shown = Row()
    documents.show_rules(shown, rules)
    assert documents.rules(parse(posted(shown))) == rules


@given(st.lists(st.tuples(NAMES.map("-".join), TEXTS)), st.lists(NAMES.map("-".join)))
def test_nothing_that_is_posted_breaks_the_editor(pairs: list[tuple[str, list[str]]], paths: list[str]) -> None:
    """Whatever names and orders arrive, rows stay rows: each below its owner, each key once among its siblings."""
    root = parse(pairs)
    for path in paths:
        for verb in ("add", "copy", "up", "down", "remove", "burn"):
            obey(root, f"{verb} {path}")
    for row in root.everywhere():
        for kind, rows in row.rows.items():
            assert kind in KINDS and len({each.path for each in rows}) == len(rows)
            assert all(each.path.startswith(row.path) for each in rows)


def test_a_copy_is_a_row_of_its_own() -> None:
    """It stands below the original with all that is in it, under names that no other row has."""
    root = Row()
    documents.show_rules(root, [{"name": "a", "constraints": [{"field": "x", "operator": "IN", "values": ["1"]}]}, {}])
    obey(root, "copy rule-0")
    assert [row.path for row in root.of("rule")] == ["rule-0", "rule-2", "rule-1"]
    assert root.of("rule")[1].of("constraint")[0].path == "rule-2-constraint-0"
    assert documents.rules(root)[0] == documents.rules(root)[1]


def test_rows_are_bounded() -> None:
    """A form with a thousand rows becomes MOST_ROWS of them."""
    assert len(parse((f"rule-{n}-name", ["x"]) for n in range(1000)).of("rule")) == MOST_ROWS


@pytest.mark.parametrize("raw", [5, "text", None, [], {"name": "x", "lottery": 1}, {"constraints": ["x"]}])
def test_what_has_no_rows_is_shown_as_json_and_kept(raw: Any) -> None:
    """A rule by hand, or of a newer version, comes back unchanged."""
    root = Row()
    documents.show_rules(root, [raw])
    assert documents.rules(parse(posted(root))) == [raw]


def test_json_that_cannot_be_read_is_told_in_its_row() -> None:
    """The row carries the sentence, and nothing is made of it."""
    root = parse([("rule-0-json", ["{"])])
    with pytest.raises(InvalidInput):
        documents.rules(root)
    assert "not JSON" in root.of("rule")[0].error


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\u0000"', "NaN", "[" * 200 + "]" * 200])
def test_json_that_cannot_be_stored_is_told_in_its_row(value: str) -> None:
    """A page could not encode half a surrogate pair, and the database would not take any of these."""
    root = parse([("rule-0-json", [f'{{"name": {value}}}'])])
    with pytest.raises(InvalidInput):
        documents.rules(root)
    assert "cannot be stored" in root.of("rule")[0].error


def test_a_refusal_is_placed_at_the_row_that_it_names() -> None:
    """Rows that nothing was typed into do not count."""
    root = parse([("rule-0-name", [""]), ("rule-1-constraint-0-field", [""]), ("rule-1-constraint-3-field", ["tier"])])
    documents.place(root, "rule 2, constraint 1: values: are texts: or numbers")
    assert root.of("rule")[1].of("constraint")[1].error and not root.of("rule")[1].error
