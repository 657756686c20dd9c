"""The panels of the human page, each from what it shows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from demo.guards import GuardedProvider
from demo.pages.html import Html, fill, join
from demo.providers import Dial
from ops_client.flags.explain import Explanation
from ops_client.quotas.decide import Source
from ops_client.quotas.usage import Usage

PROVIDER_ROW = """
<tr><td>$name<td class="$state_tone">$state<td class="$tone">$dial<td>
<button aria-label="Call $name" data-url="/providers/$name?user=$user">Call</button>
<button aria-label="Break $name" data-url="/faults" data-body='{"$name": {"error_rate": 1}}'>Break</button>
<button aria-label="Slow $name" data-url="/faults" data-body='{"$name": {"latency_ms": 1500}}'>Slow</button>
<button aria-label="Mend $name" data-url="/faults" data-body='{"$name": {}}'>Mend</button></tr>"""
FLAG_ROW = '<tr><td><code>$name</code><td class="$tone">$answer<td class="long">$why</tr>'
QUOTA = """
<p class="quota"><label>$title: $used of $limit <span class="quiet">$source</span>
<strong class="$tone">$warning</strong> <meter min="0" max="$max"
low="$low" high="$high" optimum="0" value="$value">$used of $limit</meter></label></p>"""
EPISODE_ROW = """
<tr><td>$title<td class="$tone">$status<td>$created_at<td>
<button data-url="/api/assemble/$id?user=$user">Assemble</button></tr>"""
WARNING = '<p class="warn" role="status">$title: $words.</p>'
QUIET = '<p class="quiet">$text</p>'
EMPTY_ROW = '<tr><td colspan="4" class="quiet">$text</tr>'
MEGABYTE = 1_000_000
# Units that are not said as a plain number.
SHOWN: dict[str, Callable[[int], str]] = {
    "bytes": lambda size: f"{size / MEGABYTE:,.1f} MB",
    "seconds": lambda seconds: f"{seconds / 3600:,.1f} h",
}
WARNINGS = {"near": ("warn", "near its limit"), "nearly": ("warn", "nearly used up"), "full": ("bad", "used up")}
SOURCES = {
    Source.OVERRIDE: "an operator's override",
    Source.TIER: "by tier",
    Source.DEFAULT: "by default",
    Source.UNLIMITED: "",
}
TONES = {"processed": "good", "published": "good", "completed": "good", "processing": "warn", "error": "bad"}


def provider_rows(providers: Iterable[GuardedProvider], user: str) -> Html:
    """One row a provider: its breaker as this process sees it, its dial and the buttons that turn it."""
    return join([_provider(guarded, user) for guarded in providers])


def flag_rows(explanations: Iterable[Explanation]) -> Html:
    """One row a flag: its answer for this user, with the variant, and why."""
    return join([_flag(each) for each in explanations])


def quota_bars(usages: Iterable[Usage] | None) -> Html:
    """One bar a resource; None means that they could not be read."""
    if usages is None:
        return fill(QUIET, text="Unavailable: the database is away.")
    return join([_quota(usage) for usage in usages]) or fill(QUIET, text="No resources are defined.")


def warnings(usages: Iterable[Usage]) -> Html:
    """One sentence a resource that its user should know of; nothing where there is room everywhere."""
    told = [fill(WARNING, title=usage.title, words=WARNINGS[usage.warning][1]) for usage in usages if usage.warning]
    return join(told)


def episode_rows(episodes: list[dict[str, Any]] | None, user: str) -> Html:
    """One row an episode; None means that they could not be read."""
    if episodes is None:
        return fill(EMPTY_ROW, text="Unavailable: the database is away.")
    return join([_episode(row, user) for row in episodes]) or fill(EMPTY_ROW, text="No episodes.")


def options(values: Iterable[str]) -> Html:
    """What a text field proposes."""
    return join([fill('<option value="$value">', value=value) for value in values])


def link(url: str, text: str) -> Html:
    """A link, nothing where there is no address."""
    return fill('<a href="$url">$text</a>\n', url=url, text=text) if url else Html()


def _provider(guarded: GuardedProvider, user: str) -> Html:
    dial, state = guarded.provider.dial, guarded.state()
    return fill(
        PROVIDER_ROW,
        name=guarded.provider.name,
        state=state.replace("_", "-"),
        state_tone="good" if state == "closed" else "bad",
        tone="good" if dial == Dial() else "bad",
        dial=_dial(dial),
        user=user,
    )


def _flag(found: Explanation) -> Html:
    answer = "on" if found.answer else "off"
    variant = f", {found.variant.name}" if found.variant.enabled else ""
    tone = "good" if found.answer else "quiet"
    return fill(FLAG_ROW, name=found.flag, tone=tone, answer=answer + variant, why=found.sentence)


def _quota(usage: Usage) -> Html:
    limit = usage.limit if usage.limit is not None else max(usage.used, 1)
    return fill(
        QUOTA,
        title=usage.title,
        used=_amount(usage.used, usage.unit),
        limit=_limit(usage),
        source=SOURCES[usage.source],
        tone=WARNINGS.get(usage.warning, ("", ""))[0],
        warning=WARNINGS.get(usage.warning, ("", ""))[1],
        max=max(limit, 1),
        low=int(limit * usage.warn_rates[0]),
        high=int(limit * usage.warn_rates[1]),
        value=usage.used,
    )


def _limit(usage: Usage) -> str:
    if usage.limit is None:
        return "no limit"
    unit = "" if usage.unit in SHOWN else f" {usage.unit}"
    return _amount(usage.limit, usage.unit) + unit


def _amount(number: int, unit: str) -> str:
    return SHOWN[unit](number) if unit in SHOWN else f"{number:,}"


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
