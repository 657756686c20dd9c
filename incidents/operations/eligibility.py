"""Whether an operation may be acted on, and why not: the one rule of previews, freezing, pages and the release.

What the row and its mark say is one SQL expression. A preview runs it on rows as they are, the release on rows that it
has locked. What only the source's own code knows, whether a payload can be made, is asked after it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from psycopg import sql

from incidents.operations.models import Verb
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, source_of
from incidents.operations.sources.schema import LiveTable
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES, allowed_statuses, needed_columns
from ops_console.errors import InvalidInput

# Without a percent sign: the release binds parameters beside it, and other statements bind none.
_ALIVE = """WHEN GREATEST(m.heartbeat_at, {sign}) > {seen_at}::timestamptz THEN
            ARRAY['ineligible', 'It has sent a heartbeat since: it is alive.']"""
_STATUS = """WHEN coalesce({word}, '') <> ALL ({allowed}::text[]) THEN
            ARRAY['ineligible', 'Status ' || coalesce(nullif({word}, ''), 'none') || {only}]"""
_LACKING = """WHEN cardinality({lacking}) > 0 THEN ARRAY['ineligible', ({lacking})[1] || ' is missing.']"""
_QUARANTINED = """WHEN m.attempts >= {most_attempts} THEN ARRAY['ineligible',
            'Quarantined after ' || m.attempts || ' retries: look at it, then retry it by itself.']"""


def branches(
    parts: SourceSql,
    verb: str,
    *,
    status: sql.Composable,
    lacking: sql.Composable,
    sign: sql.Composable,
    many: bool,
    seen_at: datetime | None,
) -> sql.Composable:
    """The rule as branches of a CASE, each ARRAY[outcome, reason], over the row's expressions and its mark `m`.

    `many`: the action is about more than one operation. `seen_at`: a heartbeat after it keeps the operation out; None
    where who acts knows that it is alive.
    """
    allowed = allowed_statuses(parts.source, parts.live, verb)
    only = f": only {', '.join(label or 'none' for label in allowed)} can be {RULES[Verb(verb)].done}."
    found = [] if seen_at is None else [sql.SQL(_ALIVE).format(sign=sign, seen_at=sql.Literal(seen_at))]
    found.append(sql.SQL(_STATUS).format(word=parts.word(status), allowed=sql.Literal(allowed), only=sql.Literal(only)))
    if needed_columns(parts.source, verb):
        found.append(sql.SQL(_LACKING).format(lacking=lacking))
    if verb == Verb.RETRY and many:
        found.append(sql.SQL(_QUARANTINED).format(most_attempts=sql.Literal(settings.OPERATION_MOST_ATTEMPTS)))
    return sql.SQL("\n        ").join(found)


def lacking(parts: SourceSql, verb: str) -> sql.Composable:
    """The names of columns that must hold something and do not, of the row `e`."""
    needed = needed_columns(parts.source, verb)
    named = [sql.SQL("CASE WHEN {} IS NULL THEN {} END").format(parts.text(c), sql.Literal(c)) for c in needed]
    return sql.SQL("array_remove(ARRAY[{}]::text[], NULL)").format(sql.SQL(", ").join(named))


def reason(parts: SourceSql, verb: str, *, many: bool, seen_at: datetime | None) -> sql.Composable:
    """Why the row `e`, with its mark `m`, may not be acted on; NULL if it may, as far as SQL knows."""
    held = branches(
        parts,
        verb,
        status=sql.SQL("{}::text").format(parts.column(parts.source.status_column)),
        lacking=lacking(parts, verb),
        sign=parts.own_heartbeat,
        many=many,
        seen_at=seen_at,
    )
    return sql.SQL("(CASE {} END)[2]").format(held)


def seen_at(scope: Scope) -> datetime | None:
    """From when on a heartbeat keeps an operation of the scope out; None where slow work is meant, which is alive."""
    return None if scope.state == "slow" else scope.as_of


def why_not(source: Source, verb: str, row: Mapping[str, Any], said: str | None) -> str:
    """Why a row may not be acted on, given what `reason` said of it; "" if it may."""
    if said or not RULES[Verb(verb)].hands_over:
        return said or ""
    try:
        source.storable_payload(row)
    except CannotRetry as refusal:
        return refusal.message
    return ""


def require_verb(kind: str, verb: str) -> None:
    """Raise InvalidInput where no operation of the kind can be acted on so."""
    source = source_of(kind)
    if reason := why_verb_not(source, source.live(), verb):
        raise InvalidInput("verb", reason)


def why_verb_not(source: Source, live: LiveTable, verb: str) -> str:
    """Why no operation of this source can be acted on so here; "" if some can."""
    if verb == Verb.RESOLVE and not source.done_status:
        return f"Only its backend can say that a {source.label} is done."
    if verb == Verb.FREE and not source.resource_columns:
        return f"A {source.label} leaves nothing behind that could be freed."
    if verb == Verb.RELEASE and not source.waiting:
        return f"A {source.label} never waits."
    return source.why_not({Verb.RELEASE: "retry", Verb.SNOOZE: "list"}.get(Verb(verb), verb), live)
