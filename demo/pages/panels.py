"""The panels of the human page, each from what it shows."""

from collections.abc import Iterable, Mapping
from typing import Any

from demo.pages.html import Html, fill, join
from demo.providers import Dial, Provider

PROVIDER_ROW = """
<tr><td>$name<td class="$tone">$dial<td>
<button data-post="/providers/$name?user=$user">Call</button>
<button data-post="/faults" data-body='{"$name": {"error_rate": 1}}'>Break</button>
<button data-post="/faults" data-body='{"$name": {"latency_ms": 1500}}'>Slow</button>
<button data-post="/faults" data-body='{"$name": {}}'>Mend</button></tr>"""
EPISODE_ROW = """
<tr><td>$title<td class="$tone">$status<td>$created_at<td>
<button data-post="/api/assemble/$id?user=$user">Assemble</button></tr>"""
EMPTY_ROW = '<tr><td colspan="4" class="quiet">$text</tr>'
TONES = {"processed": "good", "published": "good", "completed": "good", "processing": "warn", "error": "bad"}


def provider_rows(providers: Iterable[Provider], user: str) -> Html:
    """One row a provider: its dial and the buttons that turn it."""
    return join([_provider(provider, user) for provider in providers])


def episode_rows(episodes: list[dict[str, Any]] | None, user: str) -> Html:
    """One row an episode; None means that they could not be read."""
    if episodes is None:
        return fill(EMPTY_ROW, text="Unavailable: the database is away.")
    return join([_episode(row, user) for row in episodes]) or fill(EMPTY_ROW, text="No episodes.")


def options(values: Iterable[str]) -> Html:
    """What a text field proposes."""
    return join([fill('<option value="$value">', value=value) for value in values])


def _provider(provider: Provider, user: str) -> Html:
    well = provider.dial == Dial()
    tone = "good" if well else "bad"
    return fill(PROVIDER_ROW, name=provider.name, tone=tone, dial=_dial(provider.dial), user=user)


def _dial(dial: Dial) -> str:
    parts = {
        "does not answer": dial.hang,
        f"{dial.error_rate:.0%} fail": dial.error_rate,
        f"+{dial.latency_ms} ms": dial.latency_ms,
    }
    return ", ".join(text for text, set_ in parts.items() if set_) or "well"


def _episode(row: Mapping[str, Any], user: str) -> Html:
    return fill(
        EPISODE_ROW,
        id=row["id"],
        title=row["title"].strip() or "(no title)",
        status=row["status"],
        tone=TONES.get(row["status"], "quiet"),
        created_at=f"{row['created_at']:%d %b %H:%M}",
        user=user,
    )
