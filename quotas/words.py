"""How limits read for people. Pure."""

from collections.abc import Callable
from typing import Any

from ops_client.quotas.usage import Usage
from ops_console.web.formatting import byte_size, duration, grouped

LOOP_REFUSALS = 10
_PERIODS = {"day": "a day", "week": "a week", "month": "a month", "year": "a year"}


def amount(unit: str, value: int | None) -> str:
    """`600 calls`, `2.5 GB`, `25 h`, `no limit`."""
    if value is None:
        return "no limit"
    if unit in _MEASURES:
        return _MEASURES[unit](value)
    return f"{grouped(value)} {_singular(unit) if value == 1 else unit}"


def used(unit: str, value: int) -> str:
    """The same without the unit, where the limit beside it says it."""
    return _MEASURES.get(unit, grouped)(value)


def span(kind: str, window_seconds: int | None, period: str = "") -> str:
    """Over what a limit counts: `in any 60 s`, `a month`, `at once`; nothing for storage."""
    if kind == "rate":
        return f"in any {duration(window_seconds)}"
    if kind == "concurrency":
        return "at once"
    return _PERIODS.get(period, "") if kind == "allowance" else ""


def source(source_name: str, policy: str) -> str:
    """Which of them decided."""
    if source_name == "tier":
        return f"tier {policy}"
    return {"override": "their own override", "unlimited": "no limit set"}.get(source_name, policy)


def in_force(usage: Usage, period: str = "") -> str:
    """`600 calls in any 60 s, by tier pro; 12 used`."""
    limit = f"{amount(usage.unit, usage.limit)} {span(usage.kind, usage.window_seconds, period)}".strip()
    return f"{limit}, by {source(usage.source, usage.policy)}; {used(usage.unit, usage.used)} used"


def refusal_sentence(refusal: Any, unit: str) -> str:
    """Why somebody was limited, ready to be sent to them. `refusal` is a row of quotas_refusal."""
    times = "once" if refusal.count == 1 else f"{grouped(refusal.count)} times"
    limit = (
        "no use of it is part of your plan" if refusal.limit == 0 else f"your limit is {amount(unit, refusal.limit)}"
    )
    what = f"{refusal.resource} by {refusal.route}" if refusal.route else refusal.resource
    return (
        f"At {refusal.at:%Y-%m-%d %H:%M:%S} UTC {what} was refused {times}: {limit} "
        f"({source(refusal.source, refusal.policy)})."
    )


def is_tight_loop(refusal: Any) -> bool:
    """Whether a client asked again and again, about once a second or faster, instead of waiting as it was told."""
    return bool(refusal.count >= LOOP_REFUSALS and (refusal.at - refusal.first_at).total_seconds() <= refusal.count)


def _hours(seconds: int) -> str:
    """Audio that is kept is sold by the hour, however long the pieces are."""
    return f"{seconds / 3600:,.1f} h".replace(".0 ", " ")


# Units in which a number is shown as people say it.
_MEASURES: dict[str, Callable[[int], str]] = {"bytes": byte_size, "seconds": _hours}


def _singular(unit: str) -> str:
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s")
