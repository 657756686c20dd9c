"""How often flags are asked for, when last, by whom, and which names nobody has defined. Hours are the database's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection

By = Literal["variant", "service", "result"]
SPARK_POINTS = 28
MOST_UNDEFINED = 500

# "result = ANY" lets the index (flag, result, hour) be followed from its first column to its third.
_SERIES = """
SELECT date_bin(make_interval(hours => %(step)s), hour, %(start)s), service, variant, result, sum(count)::bigint
FROM ops.flags_usage
WHERE flag = %(flag)s AND result = ANY ('{t,f}') AND hour >= %(start)s GROUP BY 1, 2, 3, 4
"""
# The beginning of the first step, such that the last one holds this hour.
_START = "SELECT date_trunc('hour', now(), 'UTC') + interval '1 hour' - make_interval(days => %(days)s)"
_SPARKS = """
SELECT flag, floor(extract(epoch FROM hour - start) / %(step)s)::int, sum(count)::bigint
FROM (SELECT date_trunc('hour', now(), 'UTC') + interval '1 hour' - make_interval(days => %(days)s) AS start) AS first
JOIN ops.flags_usage ON flag = ANY (%(names)s) AND result = ANY ('{t,f}') AND hour >= start
GROUP BY 1, 2
"""
_LAST_ASKED = """
SELECT asked.name, max(kept.last_at)
FROM unnest(%(names)s::text[]) AS asked (name)
CROSS JOIN (VALUES (true), (false)) AS answered (result)
CROSS JOIN LATERAL (
    SELECT hour FROM ops.flags_usage u
    WHERE u.flag = asked.name AND u.result = answered.result ORDER BY hour DESC LIMIT 1
) newest
JOIN ops.flags_usage kept
    ON kept.flag = asked.name AND kept.result = answered.result AND kept.hour = newest.hour
GROUP BY 1
"""
# NOT IN and ARRAY are computed once: a planner without statistics would look for each name among all others.
_UNDEFINED = """
SELECT flag, sum(count)::bigint, max(last_at), array_agg(DISTINCT service ORDER BY service)
FROM ops.flags_usage
WHERE flag = ANY (ARRAY(
    SELECT flag FROM ops.flags_evaluationspan
    WHERE greatest(on_until, off_until) >= now() - make_interval(days => %(days)s)
      AND flag NOT IN (SELECT name FROM ops.flags_flag)
    ORDER BY greatest(on_until, off_until) DESC LIMIT %(limit)s
)) AND result = ANY ('{t,f}') AND hour >= now() - make_interval(days => %(days)s)
GROUP BY 1 ORDER BY 3 DESC, 1
"""


@dataclass(frozen=True)
class Series:
    """Counts a step, oldest first; `lines` has one a variant, service or answer, the busiest first."""

    starts: tuple[datetime, ...]
    step: timedelta
    lines: dict[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        return sum(map(sum, self.lines.values()))


@dataclass(frozen=True)
class Undefined:
    """A name that code asks for and nobody has defined: it is answered with the code's default."""

    name: str
    count: int
    last_at: datetime
    services: list[str]


def series(flag: str, by: By = "variant", days: int = 7) -> Series:
    """How often a flag was asked for, an hour a step up to 7 days and a day beyond; one query and the clock's."""
    step_hours = 1 if days <= 7 else 24
    steps = days * 24 // step_hours
    lines: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_START, {"days": days})
        (start,) = cursor.fetchone()
        cursor.execute(_SERIES, {"flag": flag, "start": start, "step": step_hours})
        for hour, service, variant, result, count in cursor.fetchall():
            label = {"service": service, "result": _answer(result), "variant": variant or _answer(result)}[by]
            line = lines.setdefault(label, [0] * steps)
            line[min(int((hour - start) / timedelta(hours=step_hours)), steps - 1)] += count
    ordered = sorted(lines.items(), key=lambda item: (-sum(item[1]), item[0]))
    starts = tuple(start + timedelta(hours=step_hours * number) for number in range(steps))
    return Series(starts, timedelta(hours=step_hours), {label: tuple(line) for label, line in ordered})


def sparks(names: Iterable[str], days: int = 7) -> dict[str, list[int]]:
    """How often each was asked for, in SPARK_POINTS steps up to now; all in one query. Who was not asked has zeros."""
    found = {name: [0] * SPARK_POINTS for name in names}
    step_seconds = days * 86400 / SPARK_POINTS
    with connection.cursor() as cursor:
        cursor.execute(_SPARKS, {"names": list(found), "days": days, "step": step_seconds})
        for name, step, count in cursor.fetchall():
            found[name][min(step, SPARK_POINTS - 1)] += count
    return found


def last_asked(names: Iterable[str]) -> dict[str, datetime]:
    """When each was last asked for, in one query; who was not asked within retention is missing."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ASKED, {"names": list(names)})
        return dict(cursor.fetchall())


def undefined(days: int = 7, limit: int = MOST_UNDEFINED) -> list[Undefined]:
    """Names that were asked for in these days and have no flag, not even an archived one; last asked first."""
    with connection.cursor() as cursor:
        cursor.execute(_UNDEFINED, {"days": days, "limit": limit})
        return [Undefined(*row) for row in cursor.fetchall()]


def _answer(result: bool) -> str:
    return "on" if result else "off"
