"""Entries of the audit in lists and on their own pages."""

from typing import Any

from django import template

from ops_console.audit import things
from ops_console.audit.models import Entry
from ops_console.audit.queries import last_entries
from ops_console.web.diff import changes

MOST_CHANGES = 5

register = template.Library()
register.simple_tag(things.page_of, name="thing_page")
register.simple_tag(things.revert_page, name="revert_page")


@register.simple_tag
def changes_of(target: tuple[str, str] | None, count: int) -> list[Entry]:
    """The last changes of a thing, the newest first: what somebody else did meanwhile. At most five."""
    return last_entries(*target, min(count, MOST_CHANGES)) if target else []


@register.inclusion_tag("audit/short_diff.html")
def short_diff(entry: Entry, limit: int = 3) -> dict[str, Any]:
    """The first fields that changed, and how many more there are; the entry's own page has all."""
    rows = changes(*things.versions(entry))
    return {"rows": rows[:limit], "more": max(len(rows) - limit, 0), "entry": entry}


@register.inclusion_tag("components/diff.html")
def entry_diff(entry: Entry) -> dict[str, Any]:
    """Every field that changed, in the words of the thing's own history."""
    return {"rows": changes(*things.versions(entry))}
