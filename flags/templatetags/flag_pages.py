"""What the flags' pages say and draw: `{% load flag_pages %}`."""

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.safestring import SafeString

from flags.editor.fields import Operator, from_input, operator_of
from flags.editor.rows import Row
from flags.history_words import both_in_words
from flags.models import Flag
from flags.words import as_list
from ops_client.flags.fields import moment
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.templatetags.ui import drawn_changes, status
from ops_console.web.diff import changes
from ops_console.web.formatting import percent
from ops_console.web.markup import address, draw
from ops_console.web.moments import zone_named

register = template.Library()


@register.filter
def operator(row: Row) -> Operator:
    """The operator that a constraint's row has chosen; IN while none is."""
    return operator_of(row.text.get("operator") or "IN")


@register.filter
def zone(row: Row) -> str:
    """The zone that a constraint's time is typed in: the one it was shown in, else the viewer's."""
    return zone_named(row.text.get("zone") or timezone.get_current_timezone_name()).key


@register.filter
def in_utc(row: Row) -> str:
    """A constraint's typed time in UTC; "" for what is no time."""
    at = moment(from_input("moment", row.text.get("values", ""), zone(row)))
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


register.filter("as_list", as_list)


@register.filter
def rows(row: Row, kind: str) -> list[Row]:
    """The rows of a kind below a row."""
    return row.of(kind)


@register.simple_tag
def flag_state(flag: Flag) -> SafeString:
    """The badge of whether a flag is on, off or decided by its rules."""
    if flag.archived_at:
        return status("archived")
    if flag.everyone is None:
        return status("rules", label="By its rules")
    if flag.everyone:
        return status("on", label="On for everyone")
    return status("off", label="Off for everyone", icon="no-symbol")


@register.simple_tag(takes_context=True)
def flag_switch(context: Context, flag: Flag) -> SafeString:
    """The switch between off for everyone and by its rules; no template, since it stands in every row of a list."""
    if flag.archived_at:
        return SafeString('<span class="muted">–</span>')
    is_off = flag.everyone is False
    checked = "false" if is_off else "true"
    if context["user"].role == Role.VIEWER:
        disabled = '<button class="switch" role="switch" type="button" disabled aria-checked="{}" aria-label="{}">'
        return draw(disabled + "</button>", checked, flag.name)
    target = address("flags:state", flag.pk, "rules" if is_off else "off")
    if is_off and flag.protected:
        form = '<form method="get" action="{0}" hx-get="{0}" hx-target="#dialog-body" hx-swap="innerHTML">'
    else:
        form = '<form method="post" action="{0}" hx-post="{0}" hx-swap="none" data-idempotent>'
        form += '<input type="hidden" name="csrfmiddlewaretoken" value="{1}">'
    button = '<button class="switch" role="switch" aria-checked="{2}" aria-label="{3}"></button></form>'
    return draw(form + button, target, context["csrf_token"], checked, flag.name)


@register.simple_tag
def diff_in_words(entry: Entry) -> SafeString:
    """What an audit entry changed in a flag or a segment, with rules and the like as sentences."""
    return drawn_changes(changes(*both_in_words(entry.before, entry.after)))


@register.filter
def share(row: Row, siblings: list[Row]) -> str:
    """A variant's weight as its share of all weights: 33.3 %."""
    weights = {each.path: _weight(each) for each in siblings}
    total = sum(weights.values())
    return percent(weights[row.path] * 100 / total) if total else percent(0)


def _weight(row: Row) -> int:
    given = row.text.get("weight", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
