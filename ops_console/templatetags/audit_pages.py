"""Entries of the audit in lists and on their own pages."""

from django import template
from django.utils.safestring import SafeString

from ops_console.audit import things
from ops_console.audit.models import Entry
from ops_console.audit.queries import last_entries
from ops_console.templatetags.ui import drawn_changes
from ops_console.web.diff import changes
from ops_console.web.markup import address, draw

MOST_CHANGES = 5

register = template.Library()
register.simple_tag(things.page_of, name="thing_page")
register.simple_tag(things.revert_page, name="revert_page")


@register.simple_tag
def changes_of(target: tuple[str, str] | None, count: int) -> list[Entry]:
    """The last changes of a thing, the newest first: what somebody else did meanwhile. At most five."""
    return last_entries(*target, min(count, MOST_CHANGES)) if target else []


@register.simple_tag
def short_diff(entry: Entry, limit: int = 3) -> SafeString:
    """The first fields that changed, and how many more there are; the entry's own page has all."""
    rows = changes(*things.versions(entry))
    if not rows:
        return SafeString("")
    more = ""
    if len(rows) > limit:
        more = draw('<a class="sub" href="{}">and {} more</a>', address("audit:entry", entry.pk), len(rows) - limit)
    return draw("{}{}", drawn_changes(rows[:limit]), more)


@register.simple_tag
def entry_diff(entry: Entry) -> SafeString:
    """Every field that changed, in the words of the thing's own history."""
    return drawn_changes(changes(*things.versions(entry)))
