"""A change in one cell of a list."""

from typing import Any

from django import template

from ops_console.audit.models import Entry
from ops_console.web.diff import changes

register = template.Library()


@register.inclusion_tag("audit/short_diff.html")
def short_diff(entry: Entry, limit: int = 3) -> dict[str, Any]:
    """The first fields that changed, and how many more there are; the entry's own page has all."""
    rows = changes(entry.before, entry.after)
    return {"rows": rows[:limit], "more": max(len(rows) - limit, 0), "entry": entry}
