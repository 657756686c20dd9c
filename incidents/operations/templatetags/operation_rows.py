"""The rows of the operations' list: `{% load operation_rows %}`.

Drawn by one tag: as template nodes, thirty a row, fifty rows took a quarter of the page's time.
"""

from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst

from incidents.operations.operation import Operation
from incidents.operations.shown import Shown
from ops_console.templatetags.lists import select_row
from ops_console.templatetags.ui import ago, short_id, status
from ops_console.web.formatting import grouped, rate
from ops_console.web.markup import address, draw, joined

register = template.Library()

_ROW = """
<tr data-key="{key}">{pick}
<td class="long"><a href="{page}">{title}</a><span class="sub">{about}</span></td>
<td class="wide">{user}</td>
<td class="wide">{since}</td>
<td class="evidence">{verdict}<span class="sub">{evidence}</span>{progress}{error}</td>
<td class="wide">{short_id}</td>
<td class="num wide">{attempts}</td></tr>"""
_SUB = '<span class="sub">{}</span>'
_NOBODY = SafeString('<span class="muted">none</span>')


@register.simple_tag
def operation_rows(rows: Sequence[Shown], selectable: bool) -> SafeString:
    """A `tr` for each; `selectable` is whether the reader may act on them."""
    return joined(_row(row, selectable) for row in rows)


def _row(row: Shown, selectable: bool) -> SafeString:
    one = row.operation
    return draw(
        _ROW,
        key=row.key,
        pick=select_row(row.key, label=one.title) if selectable else "",
        page=address("operations:page", one.kind, one.operation_id),
        title=_cut(one.title, 120) or "Without a title",
        about=" · ".join(filter(None, (capfirst(row.source.label), one.worker))),
        user=_user(row),
        since=ago(one.since),
        verdict=status(row.verdict),
        evidence=row.evidence,
        progress=_progress(one),
        error=draw(_SUB, _cut(one.error, 160)) if one.error else "",
        short_id=short_id(one.operation_id),
        attempts=grouped(one.attempts),
    )


def _user(row: Shown) -> SafeString:
    if row.person:
        return draw("{}" + _SUB, row.person.email, row.person.tier)
    return short_id(row.operation.owner_id) if row.operation.owner_id else _NOBODY


def _progress(one: Operation) -> SafeString | str:
    if one.progress_rate is None:
        return ""
    return draw(_SUB, f"{rate(one.progress_rate)} {one.progress_note}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else Truncator(text).chars(most)
