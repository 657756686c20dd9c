"""The rows of the flags' list and of a flag's history: `{% load flag_rows %}`.

Drawn by one tag each: as template nodes, forty a row, fifty rows took half of the page's time.
"""

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import quote

from django import template
from django.template import Context
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from flags.list_rows import Row
from flags.models import Flag, Kind
from flags.templatetags.flag_pages import diff_in_words, flag_state, flag_switch
from flags.words import as_list
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.templatetags.lists import select_row
from ops_console.templatetags.ui import ago, icon, spark, status
from ops_console.web.formatting import grouped, percent
from ops_console.web.markup import address, draw, joined

register = template.Library()

_ROW = """
<tr data-key="{key}">{pick}
<td class="fit">{switch}</td>
<td class="long"><a href="{page}">{name}</a>{protected}{stale}{note}{reasons}{tags}</td>
<td>{state}<span class="sub">{says}</span>{turn}</td>
<td class="wide">{kind}</td>
<td class="wide">{owner}</td>
<td class="wide">{asked}</td>
<td class="wide">{last_asked}</td>
<td class="wide">{modified}</td></tr>"""
_ENTRY = """
<tr><td class="fit"><a href="{page}">{at}</a></td><td>{actor}{around}</td><td class="long">{title}{reason}</td>
<td class="long">{changes}</td>{take_back}</tr>"""
_ASK_TO_TAKE_BACK = (
    '<a class="button small" href="{url}" hx-get="{url}" hx-target="#dialog-body" hx-swap="innerHTML">Take back…</a>'
)
_TAKE_BACK = (
    '<form method="post" action="{url}" hx-post="{url}" hx-swap="none">'
    '<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    '<button class="button small" aria-label="Take back: {title},  {at}">{icon}Take back</button></form>'
)
_SUB = '<span class="sub">{}</span>'
_LONGEST_NOTE = 120
_KINDS = {kind.value: kind.label for kind in Kind}
_NEVER = SafeString('<span class="muted">none</span>')


@register.simple_tag(takes_context=True)
def flag_rows(context: Context, rows: Sequence[Row]) -> SafeString:
    """A `tr` for each. The boxes belong to the form `flags-bulk`; a viewer has none."""
    selectable = context["user"].role != Role.VIEWER
    return joined(_row(context, row, selectable) for row in rows)


@register.simple_tag(takes_context=True)
def entry_rows(context: Context, entries: Iterable[Entry]) -> SafeString:
    """A `tr` for each change. Where the context has `revertible`, the numbers of entries, these can be taken back."""
    revertible = context.get("revertible")
    return joined(_entry(context, entry, revertible) for entry in entries)


def _entry(context: Context, entry: Entry, revertible: Collection[int] | None) -> SafeString:
    around = draw(" {}", status("warning", label="in the database")) if entry.source == "trigger" else ""
    return draw(
        _ENTRY,
        page=address("audit:entry", entry.pk),
        at=ago(entry.at),
        actor=entry.actor,
        around=around,
        title=entry.title,
        reason=draw(_SUB, entry.reason) if entry.reason else "",
        changes=diff_in_words(entry),
        take_back=draw('<td class="fit">{}</td>', _take_back(context, entry, revertible)) if revertible else "",
    )


def _take_back(context: Context, entry: Entry, revertible: Collection[int]) -> SafeString:
    if entry.pk not in revertible or context["user"].role == Role.VIEWER:
        return SafeString("")
    flag = context["flag"]
    url = address("flags:revert", flag.pk, entry.pk)
    if flag.is_guarded:
        return draw(_ASK_TO_TAKE_BACK, url=url)
    return draw(
        _TAKE_BACK,
        url=url,
        token=context["csrf_token"],
        title=entry.title,
        at=date_format(timezone.localtime(entry.at), "j M Y H:i"),
        icon=icon("arrow-uturn-left", 14),
    )


def _row(context: Context, row: Row, selectable: bool) -> SafeString:
    flag, reasons = row.flag, " ".join(row.reasons)
    return draw(
        _ROW,
        key=flag.pk,
        pick=select_row(flag.pk, label=flag.name, form="flags-bulk") if selectable else "",
        switch=flag_switch(context, flag),
        page=address("flags:page", flag.pk),
        name=flag.name,
        protected=_protected() if flag.protected else "",
        stale=draw(" {}", status("stale", title=reasons)) if reasons else "",
        note=draw(_SUB, Truncator(flag.note).chars(_LONGEST_NOTE)) if flag.note else "",
        reasons=draw(_SUB, reasons) if reasons else "",
        tags=_tags(flag),
        state=flag_state(flag),
        says=_says(flag),
        turn=draw('<span class="sub">{} {}</span>', row.turn.what, ago(row.turn.at)) if row.turn else "",
        kind=_KINDS.get(flag.kind, flag.kind),
        owner=flag.owner,
        asked=_asked(row),
        last_asked=ago(row.last_asked),
        modified=ago(flag.modified),
    )


def _protected() -> SafeString:
    lock = icon("lock-closed", 14)
    return draw(' <span title="Protected">{}<span class="sr">protected</span></span>', lock)


def _tags(flag: Flag) -> SafeString | str:
    if not flag.tags:
        return ""
    links = (draw('<a class="tag" href="?tag={}">{}</a>', quote(str(tag)), tag) for tag in as_list(flag.tags))
    return draw('<span class="tags">{}</span>', joined(links))


def _says(flag: Flag) -> str:
    """What a flag is decided by: "25 % of users, 2 rules"."""
    parts = [
        "" if flag.percent is None else f"{percent(flag.percent)} of users",
        *(
            f"{len(found)} {word}{pluralize(len(found))}"
            for word, found in (("rule", as_list(flag.rules)), ("variant", as_list(flag.variants)))
            if found
        ),
    ]
    return ", ".join(filter(None, parts))


def _asked(row: Row) -> SafeString:
    if not row.asked:
        return _NEVER
    line = spark(row.spark, label="Evaluations in the last 7 days")
    return draw('{}<span class="sub num">{}</span>', line, grouped(row.asked))
