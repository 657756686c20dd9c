"""The console's components for templates: `{% load ui %}`. docs/howto/pages.md shows each of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import heroicons
from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from ops_console.web import charts, formatting
from ops_console.web.diff import Change, changes
from ops_console.web.markup import draw, joined
from ops_console.web.panels import Panel
from ops_console.web.statuses import status_of

register = template.Library()
_CHANGE = (
    '<div><dt>{}</dt><dd><del><span class="sr">from </span>{}</del><span class="arrow" aria-hidden="true">→</span>'
    '<ins><span class="sr">to </span>{}</ins></dd></div>'
)
register.filter("grouped", formatting.grouped)
register.filter("bytes", formatting.byte_size)
register.filter("duration", formatting.duration)
register.filter("percent", formatting.percent)
register.filter("rate", formatting.rate)


@register.filter
def mail(address: str) -> SafeString:
    """A mail address that breaks after its @, where a narrow column has to break it."""
    name, at, host = str(address).rpartition("@")
    return draw("{}{}<wbr>{}", name, at, host) if at else draw("{}", host)


@lru_cache(maxsize=512)
def _svg(name: str, size: int) -> str:
    drawn: str = heroicons._render_icon("mini", name, size, {"aria-hidden": "true", "class": "icon"})
    return drawn


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """A Heroicon (mini), hidden from screen readers: the words beside it say what it means."""
    return mark_safe(_svg(str(name), size))  # noqa: S308 - drawn by the heroicons package from its own files


@register.simple_tag
def status(word: Any, tone: str = "", label: str = "", icon: str = "", title: str = "") -> SafeString:
    """A badge of icon, word and colour. Known words bring their tone; see `web/statuses.py`."""
    # Plain text, so that one marked safe is never kept for another that is not.
    return _badge(*(str(given) + "" for given in (word, tone, label, icon, title)))


@lru_cache(maxsize=1024)
def _badge(word: str, tone: str, label: str, icon: str, title: str) -> SafeString:
    """The same badge stands in every row of a list."""
    badge = status_of(word, tone, label, icon)
    drawn = mark_safe(_svg(badge.icon, 14))  # noqa: S308 - as in `icon`
    about = draw(' title="{}"', title) if title else ""
    return draw('<span class="status {}"{}>{}{}</span>', badge.tone, about, drawn, badge.label)


@register.simple_tag
def ago(moment: datetime | str | None, never: str = "never") -> SafeString:
    """A time (or its ISO text, as JSON keeps it) as seen from now, exact and in UTC on hover. Ticks in the page."""
    if not moment:
        return draw('<span class="muted">{}</span>', never)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    exact = moment.astimezone(timezone.get_current_timezone())
    beside = f"\n{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if exact.utcoffset() else ""
    # Digits, zones and units: nothing to escape, and it stands in every row of a list.
    return SafeString(
        f'<time datetime="{moment.isoformat()}" title="{exact:%Y-%m-%d %H:%M:%S %Z}{beside}">'
        f"{formatting.relative(moment, timezone.now())}</time>"
    )


@register.simple_tag
def short_id(value: Any) -> SafeString:
    """The first eight characters of an id; a click copies all of it."""
    return draw(
        '<button type="button" class="id" data-copy="{0}" title="{0}" aria-label="Copy {0}">{1}</button>',
        value,
        formatting.short_id(value),
    )


@register.simple_tag
def copy_line(text: str, label: str = "") -> SafeString:
    """A command line or address in full, with a button that copies it."""
    return SafeString(render_to_string("components/copy_line.html", {"text": text, "label": label}))


@register.inclusion_tag("components/bar.html")
def bar(
    used: float, limit: float | None, soft: str = "0.8,0.95", unit: str = "", label: str = "Used", words: str = ""
) -> dict[str, Any]:
    """A level against its limit with the soft limits marked. `unit="bytes"` formats both as sizes, else `words` do."""
    soft_rates = [float(part) for part in soft.split(",") if part]
    show = formatting.byte_size if unit == "bytes" else formatting.grouped
    suffix = f" {unit}" if unit and unit != "bytes" else ""
    words = words or f"{show(used)} of {show(limit) + suffix if limit is not None else 'no limit'}"
    return {"bar": charts.bar(used, limit, soft_rates), "label": label, "words": words}


@register.inclusion_tag("components/progress.html")
def progress(done: int, total: int, failed: int = 0, label: str = "Progress", detail: str = "") -> dict[str, Any]:
    """How far long work has come; `detail` is for rate and time left."""
    return {"done": done, "total": total, "failed": failed, "label": label, "detail": detail}


@register.simple_tag
def spark(values: Sequence[float | None], label: str, tone: str = "") -> SafeString:
    """A sparkline drawn on the server; `label` says in words what it shows. None is a gap."""
    # Not a template: it stands in every row of a list.
    return draw(
        '<svg class="spark {0}" viewBox="0 0 96 24" width="96" height="24" role="img" aria-label="{1}">'
        "<title>{1}</title>{2}</svg>",
        tone,
        label,
        joined(draw('<polyline points="{}"/>', run) for run in charts.spark_points(values)),
    )


@register.inclusion_tag("components/stat.html")
def stat(
    label: str, value: Any, proof: datetime | None = None, tone: str = "", href: str = "", note: str = ""
) -> dict[str, Any]:
    """A figure with its proof: `proof` is when it was last checked. Zero is good news only with one."""
    return {"label": label, "value": value, "proof": proof, "tone": tone, "href": href, "note": note}


@register.simple_tag
def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> SafeString:
    """What changed between two versions of a thing, field by field."""
    return drawn_changes(changes(before, after))


def drawn_changes(rows: Iterable[Change]) -> SafeString:
    """Fields with what they were and what they are. Not a template: a history holds a hundred."""
    fields = joined(draw(_CHANGE, row.field, row.before, row.after) for row in rows)
    return draw('<dl class="diff">{}</dl>', fields) if fields else SafeString('<p class="muted">No field changed.</p>')


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", href: str = "", action: str = "", icon: str = "inbox-stack") -> dict[str, Any]:
    """A list without rows: says why, and what to do about it."""
    return {"title": title, "text": text, "href": href, "action": action, "icon": icon}


@register.inclusion_tag("components/facts.html")
def facts(*pairs: Any) -> dict[str, Any]:
    """A description list of label, value, label, value; give ready markup with `{% status ... as x %}`."""
    return {"facts": list(zip(pairs[::2], pairs[1::2], strict=True))}


@register.inclusion_tag("components/field.html")
def field(bound: Any) -> dict[str, Any]:
    """A form field with label, help and errors, tied together for screen readers. No choice has a name, not dashes."""
    choices = getattr(bound.field.widget, "choices", ())
    if ("", "---------") in choices:
        named = "Choose…" if bound.field.required else "None"
        bound.field.widget.choices = [(value, label if value != "" else named) for value, label in choices]
    return {"field": bound, "kind": "" if bound.use_fieldset else getattr(bound.field.widget, "input_type", "")}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with a form as a whole, at its top, announced when it appears."""
    return {"form": form}


@register.simple_block_tag(takes_context=True)
def panel(
    context: Context,
    content: str,
    id: str,
    title: str = "",
    live: str = "",
    url: str = "",
    source: Panel | None = None,
) -> SafeString:
    """A titled section. `live="flags,audit"`: it is read again when one of these topics changes.

    Wrap it in `{% partialdef ID inline %}` with the same id. `url`: where it is read from, by default this page.
    `source`: the reading that it shows; where that failed the panel says so, above the last data known.
    """
    request = context.get("request")
    here = url or (request.get_full_path() if request else "")
    values = {"id": id, "title": title, "content": content, "url": here, "trigger": _trigger(live), "source": source}
    return SafeString(render_to_string("components/panel.html", values))


@register.simple_block_tag
def unavailable(content: str, last_seen: datetime | None = None, what: str = "") -> SafeString:
    """Data that cannot be had now: says so, since when, and shows the last that was seen."""
    values = {"content": content.strip(), "last_seen": last_seen, "what": what}
    return SafeString(render_to_string("components/unavailable.html", values))


def _trigger(live: str) -> str:
    topics = [topic.strip() for topic in live.split(",") if topic.strip()]
    if not topics:
        return ""
    named = [f"sse:{topic}" for topic in [*topics, "refresh"]]
    return ", ".join([*named, "ops:refresh from:body", "every 15s"])


@register.simple_tag
def attributes(values: Mapping[str, Any]) -> SafeString:
    """Escaped HTML attributes of a mapping; those that are None are left out."""
    return format_html_join("", ' {}="{}"', ((k, v) for k, v in values.items() if v is not None))
