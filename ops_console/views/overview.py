"""Is it us? What is stuck, what is open, who follows, what is temporarily in force, and who did what last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from incidents.alerts.queries import firing
from incidents.breakers.queries import breakers
from incidents.operations.progress import outbox_depth_and_age
from incidents.operations.queries import stuck_count
from ops_console.audit.queries import latest
from ops_console.contract.queries import followers
from ops_console.views.panels import Panel, read
from ops_console.views.temporary import temporary
from ops_console.web import page


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
    panels = {
        "alerts": read("alerts", firing),
        "stuck": read("stuck", stuck_count),
        "breakers": read("breakers", breakers),
        "followers": read("followers", followers),
        "outbox": read("outbox", outbox_depth_and_age),
        "temporary": read("temporary", temporary),
        "entries": read("entries", lambda: latest(10)),
    }
    problems = [panel for panel in panels.values() if panel.problem]
    return page(request, "console/overview.html", {**panels, "tiles": list(_tiles(panels)), "problems": problems})


def _tiles(panels: dict[str, Panel]) -> Iterator[Tile]:
    makers = {"alerts": _firing, "stuck": _stuck, "breakers": _open, "followers": _behind, "outbox": _waiting}
    for name, make in makers.items():
        if panels[name].data is not None:
            yield make(panels[name].data, panels[name].seen_at)


def _firing(alerts: Any, seen_at: datetime | None) -> Tile:
    nobody = sum(not alert.acknowledged_by for alert in alerts)
    note = f"nobody is on {nobody} of them" if nobody else "somebody is on each" if alerts else ""
    return Tile("Firing alerts", str(len(alerts)), reverse("alerts:list"), seen_at, "bad" if alerts else "ok", note)


def _stuck(count: Any, seen_at: datetime | None) -> Tile:
    number = f"{count.number:,}{'+' if count.capped else ''}"
    return Tile("Stuck operations", number, reverse("operations:list"), seen_at, "bad" if count.number else "ok")


def _open(states: Any, seen_at: datetime | None) -> Tile:
    troubled = [state.name for state in states if not state.is_calm]
    note = ", ".join(troubled[:3]) if troubled else f"of {len(states)}"
    return Tile(
        "Open breakers", str(len(troubled)), reverse("breakers:list"), seen_at, "bad" if troubled else "ok", note
    )


def _behind(found: Any, seen_at: datetime | None) -> Tile:
    if not found.total:
        note = "no live process has reported"
        return Tile("Processes behind", "No backend follows", reverse("system"), seen_at, "warn", note)
    note = f"{found.applied} of {found.total} applied revision {found.revision:,}"
    tone = "warn" if found.behind else "ok"
    return Tile("Processes behind", str(len(found.behind)), reverse("system"), seen_at, tone, note)


def _waiting(outbox: Any, seen_at: datetime | None) -> Tile:
    note = f"{outbox.dead:,} given up on" if outbox.dead else ""
    return Tile(
        "Commands waiting", f"{outbox.depth:,}", reverse("system"), seen_at, "bad" if outbox.dead else "ok", note
    )
