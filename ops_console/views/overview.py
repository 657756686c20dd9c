"""The overview: what fires, what is stuck, which breakers are open, who follows, and what was changed last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.alerts.queries import firing
from incidents.breakers import queries as breakers
from incidents.operations.progress import outbox_depth_and_age
from incidents.operations.queries import stuck_count
from ops_console.audit.queries import latest
from ops_console.contract.queries import SHOWN_ON_OVERVIEW, followers
from ops_console.views.temporary import temporary
from ops_console.web import Panel, page, panel_reader
from ops_console.web.formatting import duration


@dataclass(frozen=True)
class Tile:
    """A figure with its proof: zero is only good news with the time at which it was checked."""

    label: str
    value: str
    url: str
    proof: datetime | None
    tone: str = ""
    note: str = ""


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    with panel_reader() as reader:
        panels = {
            "alerts": reader.panel("alerts", firing),
            "stuck": reader.panel("stuck", stuck_count),
            "breakers": reader.panel("breakers", breakers.overview),
            "followers": reader.panel("followers", lambda: followers(SHOWN_ON_OVERVIEW)),
            "outbox": reader.panel("outbox", outbox_depth_and_age),
            "temporary": reader.panel("temporary", temporary),
            "entries": reader.panel("entries", lambda: latest(10)),
        }
        return page(request, "console/overview.html", {**panels, "tiles": lambda: list(_tiles(panels))})


def _tiles(panels: dict[str, Panel]) -> Iterator[Tile]:
    makers = {
        "alerts": ("Firing alerts", "alerts:list", _firing),
        "stuck": ("Stuck operations", "operations:list", _stuck),
        "breakers": ("Open breakers", "breakers:list", _open),
        "followers": ("Processes behind", "system", _behind),
        "outbox": ("Pending commands", "system", _pending),
    }
    for name, (label, url, make) in makers.items():
        value, tone, note = ("Unavailable", "warn", "")
        if panels[name].data is not None:
            value, tone, note = make(panels[name].data)
        if problem := panels[name].problem:
            tone, note = "warn", problem
        yield Tile(label, value, reverse(url), panels[name].seen_at, tone, note)


def _firing(found: Any) -> tuple[str, str, str]:
    evaluation = found.evaluation
    if evaluation.is_late:
        return f"{found.total:,}", "bad" if found.total else "warn", "rules are not being evaluated"
    note = f"{evaluation.scope.lower()} evaluated"
    if found.unacknowledged:
        note = f"{found.unacknowledged:,} unacknowledged; {note}"
    return f"{found.total:,}", "bad" if found.total else "ok", note


def _stuck(count: Any) -> tuple[str, str, str]:
    if count.number is None:
        return "Unknown", "warn", "not counted in time"
    return count.text, "bad" if count.number else "ok", ""


def _open(found: Any) -> tuple[str, str, str]:
    troubled = [state.name for state in found.states if not state.is_calm]
    note = ", ".join(troubled[:3]) if troubled else f"of {found.total:,}"
    return f"{found.troubled:,}", "bad" if found.troubled else "ok", note


def _behind(found: Any) -> tuple[str, str, str]:
    if found.total:
        note = f"{found.applied:,} of {found.total:,} applied revision {found.revision:,}"
        if found.lost:
            note += f"; {found.lost:,} lost"
        return f"{found.behind_count:,}", "bad" if found.lost else "warn" if found.behind_count else "ok", note
    if found.lost:
        seconds = (timezone.now() - found.lost_at).total_seconds()
        lost = "1 backend process lost" if found.lost == 1 else f"{found.lost:,} backend processes lost"
        return "All silent", "bad", f"{lost}; the last report was {duration(seconds)} ago"
    if found.stopped_at:
        return "No live backend", "warn", "all processes ended cleanly"
    return "No backend yet", "warn", "none has connected"


def _pending(outbox: Any) -> tuple[str, str, str]:
    note = f"{outbox.dead:,} failed after 8 attempts" if outbox.dead else ""
    return f"{outbox.depth:,}", "bad" if outbox.dead else "ok", note
