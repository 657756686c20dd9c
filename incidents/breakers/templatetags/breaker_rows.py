"""The rows of the breakers' list: `{% load breaker_rows %}`. One tag draws them, as template nodes are slow."""

from collections.abc import Iterable, Sequence

from django import template
from django.template.defaultfilters import pluralize
from django.utils.safestring import SafeString

from incidents.breakers.states import BreakerState
from ops_console.templatetags.ui import ago, spark, status
from ops_console.web.formatting import grouped, rate
from ops_console.web.markup import address, draw, joined

register = template.Library()

_ROW = """
<tr data-key="{name}">
<td><a href="{page}">{name}</a><span class="sub">{services}</span></td>
<td>{badge}<span class="sub">{since}{open_in}</span></td>
<td class="num">{failing}<span class="sub">{attempts} made</span></td>
<td class="num wide">{final_failing}<span class="sub">{final_calls} calls, {refused} refused</span></td>
<td class="wide">{line}</td>
<td class="wide">{override}</td>
<td class="wide long">{last}</td>
<td class="wide">{heard}</td></tr>"""
_NO_CALLS = SafeString('<span class="muted">no calls</span>')
_NONE = SafeString('<span class="muted">none</span>')
_NONE_YET = SafeString('<span class="muted">none yet</span>')


@register.simple_tag
def breaker_rows(rows: Iterable[tuple[BreakerState, Sequence[float | None] | None]]) -> SafeString:
    """A `tr` for each breaker and the line of its failing share, which may be None."""
    return joined(_row(breaker, line) for breaker, line in rows)


@register.simple_tag
def breaker_badge(breaker: BreakerState) -> SafeString:
    """How it stands: an operator's order before the shared state."""
    badge = breaker.badge
    return status(badge.word, tone=badge.tone, label=badge.label, icon=badge.icon)


def _row(breaker: BreakerState, line: Sequence[float | None] | None) -> SafeString:
    calls, override = breaker.calls, breaker.override
    label = "Failing share of attempts, last 30 minutes"
    return draw(
        _ROW,
        name=breaker.name,
        page=address("breakers:page", breaker.name),
        services=", ".join(breaker.services) or "no calls",
        badge=breaker_badge(breaker),
        since=ago(breaker.since),
        open_in=_open_in(breaker),
        failing=rate(calls.failure_rate),
        attempts=grouped(calls.attempts),
        final_failing=rate(calls.final_failure_rate),
        final_calls=grouped(calls.final_calls),
        refused=grouped(calls.refused),
        line=spark(line, label=label, tone=breaker.badge.tone) if line else _NO_CALLS,
        override=draw('by {}<span class="sub">ends {}</span>', override.actor, ago(override.expires_at))
        if override
        else _NONE,
        last=_last(breaker),
        heard=_heard(breaker),
    )


def _open_in(breaker: BreakerState) -> str:
    if not breaker.open_in:
        return ""
    return f", open in {grouped(breaker.open_in)} of {grouped(breaker.processes)} processes"


def _last(breaker: BreakerState) -> SafeString:
    last = breaker.last
    if last is None:
        return _NONE_YET
    moved = f"{last.get_from_status_display()} to {last.get_to_status_display()}".lower()
    return draw('{}<span class="sub">{}, {}</span>', last.cause, moved, ago(last.at))


def _heard(breaker: BreakerState) -> SafeString:
    """When a process last spoke of it, and how many do."""
    heard = ago(breaker.heard_at)
    if breaker.is_stale:
        return draw('{}<span class="sub">last {}</span>', status("stale", label="No live process"), heard)
    processes = f"{grouped(breaker.processes)} process{pluralize(breaker.processes, 'es')}"
    return draw('{}<span class="sub">from {}</span>', heard, processes)
