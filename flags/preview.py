"""What a change would do to the people seen in the last day: old and new definition, asked by the one evaluator."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain
from typing import Any

from django.db import connection

from flags import evaluation
from flags.models import Flag, Presence
from flags.models import Segment as SegmentRow
from flags.segments import flags_using
from ops_client.flags.buckets import RANDOM, USER_ID
from ops_client.flags.compile import Snapshot, compile_snapshot
from ops_client.flags.context import Context
from ops_client.flags.rules import FlagDefinition, Rule, Segment, definition_from_row, segment_from_row
from ops_client.flags.variants import DISABLED, Variant

# Newest first; more would make a page wait for a number that says the same.
MOST_SEEN = 20_000
MOST_FLAGS = 50

_SEEN = """
SELECT user_id, attributes FROM ops.flags_presence
WHERE seen_at >= now() - interval '1 day' ORDER BY seen_at DESC LIMIT %s
"""
# What is random by chance is drawn here by user, the same draw for old and new: else half of them would seem to move.
_DRAW = "a draw for previews"


@dataclass(frozen=True)
class Preview:
    """How many of the `seen` people have the flag on, before and after, and who changes sides or variant.

    `bounded`: more were seen; these are the newest MOST_SEEN.
    """

    seen: int = 0
    bounded: bool = False
    on_before: int = 0
    on_after: int = 0
    gained: int = 0
    lost: int = 0
    other_variant: int = 0


@dataclass(frozen=True)
class Touched:
    """A flag that a change of a segment reaches, and what it does there."""

    flag: Flag
    preview: Preview


def people_seen() -> tuple[list[Context], bool]:
    """The contexts of who was seen in the last day, the newest first, and whether there were more."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [MOST_SEEN + 1])
        rows = cursor.fetchall()
    # Many people have the same attributes: each text is parsed once.
    attributes = cache(partial(_attributes, Presence._meta.get_field("attributes")))
    contexts: list[Context] = [{**attributes(raw), "user_id": user_id} for user_id, raw in rows[:MOST_SEEN]]
    return contexts, len(rows) > MOST_SEEN


def of_flag(before: Flag | None, after: Flag) -> Preview:
    """What it does that a flag, or none, becomes `after`, which need not be saved."""
    named = after.name if before is None else before.name
    (row,) = evaluation.flag_rows([named]) or [{}]
    new = definition_from_row({**row, **_row(after)})
    old = definition_from_row({**row, **_row(before)}) if before else None
    known = evaluation.definitions(*(parent.flag for each in (old, new) if each for parent in each.prerequisites))
    segments = evaluation.segments(evaluation.segments_named_by([*known.values(), *([old] if old else []), new]))
    then = _snapshot(known | ({old.name: old} if old else {}), segments)
    return _compare(new.name, then, _snapshot(known | {new.name: new}, segments), *people_seen())


def on_now(name: str) -> Preview:
    """For how many of the people seen the flag is on, as it stands in the database."""
    known = evaluation.definitions(name)
    snapshot = _snapshot(known, evaluation.segments(evaluation.segments_named_by(known.values())))
    people, bounded = people_seen()
    count = sum(snapshot.is_enabled(name, each) for each in people)
    return Preview(seen=len(people), bounded=bounded, on_before=count, on_after=count)


def of_segment(before: SegmentRow, after: SegmentRow) -> list[Touched]:
    """What a change of a segment does to the flags that use it; of the first MOST_FLAGS of them."""
    using = list(flags_using(before.name)[:MOST_FLAGS])
    known = evaluation.definitions(*(flag.name for flag in using))
    segments = evaluation.segments(evaluation.segments_named_by(known.values()))
    then = _snapshot(known, {**segments, before.name: _segment(before)})
    now = _snapshot(known, {**segments, before.name: _segment(after)})
    people, bounded = people_seen()
    return [Touched(flag, _compare(flag.name, then, now, people, bounded)) for flag in using]


def _compare(name: str, before: Snapshot, after: Snapshot, people: list[Context], bounded: bool) -> Preview:
    pairs = zip(_variants(name, before, people), _variants(name, after, people), strict=True)
    sides = Counter((then.feature_enabled, now.feature_enabled, then.name != now.name) for then, now in pairs)
    return Preview(
        seen=len(people),
        bounded=bounded,
        on_before=sum(number for (was, _, _), number in sides.items() if was),
        on_after=sum(number for (_, is_on, _), number in sides.items() if is_on),
        gained=sum(number for (was, is_on, _), number in sides.items() if is_on and not was),
        lost=sum(number for (was, is_on, _), number in sides.items() if was and not is_on),
        other_variant=sides[True, True, True],
    )


def _variants(name: str, snapshot: Snapshot, people: list[Context]) -> list[Variant]:
    """What each of them gets. Off for everyone is not asked of everyone: it is what a kill switch waits for."""
    flag = snapshot.flags.get(name)
    if flag is None or flag.definition.everyone is False:
        return [DISABLED] * len(people)
    return [flag.variant(each) for each in people]


def _snapshot(flags: Mapping[str, FlagDefinition], segments: Mapping[str, Segment]) -> Snapshot:
    return compile_snapshot([_drawn_by_user(flag) for flag in flags.values()], 0, segments.values())


def _drawn_by_user(flag: FlagDefinition) -> FlagDefinition:
    rules = tuple(
        replace(rule, stickiness=USER_ID, group=_DRAW) if rule.stickiness == RANDOM else rule for rule in flag.rules
    )
    return replace(flag, rules=tuple(map(_variants_drawn_by_user, rules)), variants=_by_user(flag.variants))


def _variants_drawn_by_user(rule: Rule) -> Rule:
    return replace(rule, variants=_by_user(rule.variants))


def _by_user(variants: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(replace(each, stickiness=USER_ID) if each.stickiness == RANDOM else each for each in variants)


def _row(flag: Flag) -> dict[str, Any]:
    """What of an instance the view of flags would show, but for its listed users and groups."""
    fields = ("name", "everyone", "percent", "testing", "superusers", "staff", "authenticated", "languages", "rules")
    more = ("variants", "prerequisites", "on_at", "off_at", "version")
    return {field: getattr(flag, field) for field in chain(fields, more)} | {"archived": flag.archived_at is not None}


def _segment(segment: SegmentRow) -> Segment:
    return segment_from_row({"name": segment.name, "constraints": segment.constraints})


def _attributes(reader: Any, raw: Any) -> dict[str, object]:
    value = reader.from_db_value(raw, None, connection)
    return value if isinstance(value, dict) else {}
