"""Flags that could be taken out of the code: which, and why, in words.

A flag is stale when it is older than 7 days, not permanent, and for 30 days was not asked for, had one answer only, or
was fully rolled out, or when its planned removal is past. Where no backend counts, nothing is called unasked.
"""

from datetime import datetime, timedelta

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format

from flags.models import EvaluationSpan, Flag

YOUNG = timedelta(days=7)
LOOKED_AT = timedelta(days=30)
# A rule without constraints and segments at 100 %, whether that stands there as a number, as text or not at all.
_FULL_RULE = (
    "$[*] ? (!exists(@.constraints[*]) && !exists(@.segments[*])"
    ' && (!exists(@.percent) || @.percent == 100 || @.percent == "100"))'
)


class _HasFullRule(Func):
    """Whether any rule lets everybody in."""

    template = f"(%(expressions)s @? '{_FULL_RULE}'::jsonpath)"
    output_field = BooleanField()


def with_staleness(flags: QuerySet[Flag]) -> QuerySet[Flag]:
    """The flags with what `stale` and `reasons` ask of them; no further query."""
    since = Now() - LOOKED_AT
    return flags.annotate(
        counted=Exists(EvaluationSpan.objects.filter(Q(on_until__gte=since) | Q(off_until__gte=since))),
        was_on=_is_among(Q(on_until__gte=since)),
        was_off=_is_among(Q(off_until__gte=since)),
        asked_before=_is_among(Q(on_since__lt=since) | Q(off_since__lt=since)),
        full_rule=_HasFullRule(F("rules")),
    )


def _among(condition: Q) -> Q:
    """Whether the name is among those whose span meets the condition: a set that PostgreSQL builds once a query.

    A join or EXISTS would leave it to the planner to read the spans once a flag, which it does after a bulk insert.
    """
    return Q(name__in=EvaluationSpan.objects.filter(condition).values("flag_id"))


def _is_among(condition: Q) -> ExpressionWrapper:
    return ExpressionWrapper(_among(condition), output_field=BooleanField())


def stale(flags: QuerySet[Flag]) -> QuerySet[Flag]:
    """Those of the flags that are stale, with what `reasons` needs."""
    old = Q(archived_at=None, permanent=False, created__lt=Now() - YOUNG)
    since = Now() - LOOKED_AT
    was_on, was_off = Q(on_until__gte=since), Q(off_until__gte=since)
    asked_before = Q(on_since__lt=since) | Q(off_since__lt=since)
    unasked = Q(counted=True) & ~_among(was_on | was_off)
    one_answer = _among(asked_before & (was_on | was_off) & ~(was_on & was_off))
    full = Q(modified__lt=since) & _fully_rolled_out()
    return with_staleness(flags).filter(old, unasked | one_answer | full | Q(expires_at__lte=Now()))


def reasons(flag: Flag, now: datetime | None = None) -> list[str]:
    """Why a flag of `with_staleness` is stale, in words; empty where it is not. Without a further query."""
    now = now or timezone.now()
    if flag.archived_at or flag.permanent or flag.created >= now - YOUNG:
        return []
    found = [_by_usage(flag, now), _by_rules(flag, now), _by_plan(flag, now)]
    return [reason for reason in found if reason]


def _by_usage(flag: Flag, now: datetime) -> str:
    was_on, was_off = flag.was_on, flag.was_off  # type: ignore[attr-defined]
    if not was_on and not was_off:
        if not flag.counted:  # type: ignore[attr-defined]
            return ""
        age = (now - flag.created).days
        return (
            f"Not asked for in {LOOKED_AT.days} days." if age >= LOOKED_AT.days else f"Never asked for in {age} days."
        )
    if was_on is was_off or not flag.asked_before:  # type: ignore[attr-defined]
        return ""
    return f"Answered {'on' if was_on else 'off'} to everybody for {LOOKED_AT.days} days."


def _by_rules(flag: Flag, now: datetime) -> str:
    if flag.modified >= now - LOOKED_AT or not fully_rolled_out(flag, now):
        return ""
    return f"On for everyone, unchanged for {(now - flag.modified).days} days."


def _by_plan(flag: Flag, now: datetime) -> str:
    if flag.expires_at is None or flag.expires_at > now:
        return ""
    return f"Planned to be gone since {date_format(flag.expires_at, 'j M Y')}."


def fully_rolled_out(flag: Flag, now: datetime) -> bool:
    """Whether a flag of `with_staleness` lets everybody in; the same in Python as `_fully_rolled_out` is in SQL."""
    if flag.everyone is not None:
        return flag.everyone
    if flag.prerequisites or (flag.on_at and flag.on_at > now) or flag.off_at:
        return False
    full_rule: bool = flag.full_rule  # type: ignore[attr-defined]
    return flag.percent == 100 or full_rule


def _fully_rolled_out() -> Q:
    held_up = ~Q(prerequisites=[]) | Q(on_at__gt=Now()) | Q(off_at__isnull=False)
    return Q(everyone=True) | (Q(everyone=None) & ~held_up & (Q(percent=100) | Q(full_rule=True)))
