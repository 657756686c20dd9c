"""Processes and services in tables: `{% load process_rows %}`. One tag draws the rows, as template nodes are slow."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django import template
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from ops_console.contract.models import InstanceState, Process
from ops_console.contract.queries import Service
from ops_console.templatetags.ui import ago, short_id, status
from ops_console.web.formatting import grouped
from ops_console.web.markup import address, draw, joined

register = template.Library()
State = InstanceState.State

MOST_PROBLEMS, MOST_VERSIONS = 5, 3
_SERVICE = """
<tr data-key="{kind} {name}"><td><a href="{page}">{name}</a></td><td class="wide">{kind}</td>
<td class="num">{live}</td><td class="num">{behind}</td>
<td class="num">{lost}</td><td class="num wide">{ended}</td>
<td class="wide">{versions}</td><td>{seen}</td>{remove}</tr>"""
_PROCESS = """
<tr data-key="{key}"><td>{service}<span class="sub">{short_id}</span></td>
<td class="wide">{kind}</td><td class="wide">{host} : {pid}</td>
<td class="wide">{version}{client}</td><td>{state}{replaced}{problems}</td>
<td class="num wide">{revision}</td><td class="num">{lag}</td><td>{seen}</td>{remove}</tr>{more}"""
_REMOVE = (
    '<a class="button small" href="{url}" hx-get="{url}" hx-target="#dialog-body" hx-swap="innerHTML"{label}>{text}</a>'
)
_WHOLE_ROW = '\n<tr><td colspan="9" class="long">{}</td></tr>'
_NO_REVISION = SafeString('<span class="muted">none</span>')
_REPLACED = SafeString('<span class="sub">replaced</span>')


@register.simple_tag
def process_state(process: Process) -> SafeString:
    """The badge of a process: what is wrong with it before what is not."""
    if process.state in (State.CRASHED, State.SILENT):
        return status(process.state, tone="idle" if process.replaced else "bad")
    if process.state == State.ENDED:
        return status("ended")
    if process.kind == "backend" and process.revision is None:
        return status("behind", label="Nothing applied yet")
    if process.behind:
        return status("behind")
    return status("stale", label="From its file") if process.snapshot_source == "file" else status("alive")


@register.simple_tag
def service_rows(services: Iterable[Service], removable: bool) -> SafeString:
    """A `tr` for each service; `removable` is whether the reader may remove its lost processes."""
    return joined(_service(each, removable) for each in services)


@register.simple_tag
def process_rows(processes: Iterable[Process], removable: bool) -> SafeString:
    """A `tr` for each process, and one below it for each kind of trouble that it reports."""
    return joined(_process(each, removable) for each in processes)


def _service(each: Service, removable: bool) -> SafeString:
    remove = ""
    if each.lost:
        remove = draw(_REMOVE, url=address("service_remove_lost", each.kind, each.name), label="", text="Remove lost…")
    return draw(
        _SERVICE,
        kind=each.kind,
        name=each.name,
        page=f"{address('system')}?service={quote(each.name, safe='')}",
        live=grouped(each.live) if each.live else status("none", label="0", tone="bad" if each.lost else "idle"),
        behind=grouped(each.behind),
        lost=status("silent", label=grouped(each.lost)) if each.lost else "0",
        ended=grouped(each.ended),
        versions=_versions(each.versions),
        seen=ago(each.seen_at),
        remove=draw("<td>{}</td>", remove) if removable else "",
    )


def _versions(versions: list[str]) -> str:
    more = len(versions) - MOST_VERSIONS
    return (", ".join(versions[:MOST_VERSIONS]) or "not given") + (f" and {more} more" if more > 0 else "")


def _process(each: Process, removable: bool) -> SafeString:
    problems = each.listed_problems
    client = draw('<span class="sub">client {}, {}</span>', each.client_version, each.contract)
    return draw(
        _PROCESS,
        key=each.pk,
        service=each.service,
        short_id=short_id(each.pk),
        kind=each.kind,
        host=each.host,
        pid=each.pid,
        version=each.version or "not given",
        client=client if each.version != each.client_version else "",
        state=process_state(each),
        replaced=_REPLACED if each.replaced and each.is_lost else "",
        problems=draw(" {}", status("warning", label="Problems")) if problems else "",
        revision=_NO_REVISION if each.revision is None else grouped(each.revision),
        lag="" if each.lag is None else each.lag,
        seen=ago(each.seen_at),
        remove=draw("<td>{}</td>", _remove(each)) if removable else "",
        more=joined([_problems(problems), _dropped(each.listed_dropped)]),
    )


def _remove(each: Process) -> SafeString:
    if each.state == State.LIVE:
        return SafeString("")
    label = draw(' aria-label="Remove process {} of {}"', each.pid, each.service)
    return draw(_REMOVE, url=address("process_remove", each.pk), label=label, text="Remove…")


def _problems(problems: list[dict[str, Any]]) -> SafeString:
    if not problems:
        return SafeString("")
    lines = [
        draw(
            "<li>{}, {}: {}</li>",
            _cut(problem.get("flag", ""), 100),
            _cut(problem.get("rule", ""), 100),
            _cut(problem.get("message", ""), 200),
        )
        for problem in problems[:MOST_PROBLEMS]
    ]
    if len(problems) > MOST_PROBLEMS:
        lines.append(draw('<li class="muted">and {} more</li>', len(problems) - MOST_PROBLEMS))
    return draw(_WHOLE_ROW, draw('<ul class="plain-list">{}</ul>', joined(lines)))


def _dropped(dropped: list[tuple[str, int]]) -> SafeString:
    if not dropped:
        return SafeString("")
    counts = ", ".join(f"{_cut(kind, 60)} {grouped(count)}" for kind, count in dropped)
    text = "{} Not stored since it started: {}. The log of the process says why."
    return draw(_WHOLE_ROW, draw(text, status("warning", label="Dropped"), counts))


def _cut(value: Any, most: int) -> str:
    text = str(value)
    return text if len(text) <= most else Truncator(text).chars(most)
