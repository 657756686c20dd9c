"""What the flags' pages say and draw: `{% load flag_pages %}`."""

from typing import Any

from django import template

from flags.editor.fields import Operator, operator_of
from flags.editor.rows import Row
from flags.history_words import both_in_words
from flags.words import as_list
from ops_console.audit.models import Entry
from ops_console.web.diff import changes
from ops_console.web.formatting import percent

register = template.Library()


@register.filter
def operator(row: Row) -> Operator:
    """The operator that a constraint's row has chosen; IN while none is."""
    return operator_of(row.text.get("operator") or "IN")


register.filter("as_list", as_list)


@register.filter
def rows(row: Row, kind: str) -> list[Row]:
    """The rows of a kind below a row."""
    return row.of(kind)


@register.inclusion_tag("components/diff.html")
def diff_in_words(entry: Entry) -> dict[str, Any]:
    """What an audit entry changed in a flag or a segment, with rules and the like as sentences."""
    return {"rows": changes(*both_in_words(entry.before, entry.after))}


@register.filter
def share(row: Row, siblings: list[Row]) -> str:
    """A variant's weight as its share of all weights: 33.3 %."""
    weights = {each.path: _weight(each) for each in siblings}
    total = sum(weights.values())
    return percent(weights[row.path] * 100 / total) if total else percent(0)


def _weight(row: Row) -> int:
    given = row.text.get("weight", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
