"""What each state means in SQL: which rows it holds, what it is ordered by, and where reading begins."""

from dataclasses import dataclass, replace

from psycopg import sql

from incidents.operations.scope import Scope
from incidents.operations.sources.sql import SourceSql

RESOLVED_HOURS = 24
# A state that shows the newest first; the others show what has waited longest.
NEWEST_FIRST = frozenset({"in_progress", "failed", "resolved"})
# Where reading begins at the marks: each row has to be looked up.
FROM_MARKS = frozenset({"slow", "resolved"})
# So many fresh marks of each sign are looked up to find where those that wait begin.
MOST_SPARED = 200
_MARKED_ID = sql.SQL("m.operation_id")
_ID_TEXT = {"uuid": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", "int": "^[0-9]{1,18}$"}


@dataclass(frozen=True)
class State:
    """Rows `origin ... WHERE condition ORDER BY order, key`; the mark is beside them as `m` only where it leads.

    `key` is of the table that leads, so that one index gives the whole order: those of one bulk have one time.
    """

    origin: sql.Composable
    condition: sql.Composable
    order: sql.Composable
    key: sql.Composable


def state_sql(parts: SourceSql, scope: Scope) -> State:
    """The scope's state for one source."""
    makers = {
        "stuck": _stuck,
        "slow": _slow,
        "waiting": _waiting,
        "in_progress": _of_statuses,
        "failed": _of_statuses,
        "resolved": _resolved,
        "any": _any,
    }
    return makers[scope.state](parts, scope)


def now_of(scope: Scope) -> sql.Composable:
    """The moment that ages are counted to."""
    return sql.SQL("now()") if scope.as_of is None else sql.SQL("{}::timestamptz").format(sql.Literal(scope.as_of))


def _table(parts: SourceSql) -> sql.Composable:
    return sql.SQL("FROM {} AS e").format(parts.table)


def _any(parts: SourceSql, scope: Scope) -> State:
    return State(_table(parts), sql.SQL("TRUE"), parts.silent, parts.id)


def _of_statuses(parts: SourceSql, scope: Scope) -> State:
    return State(_table(parts), _open(parts, parts.of_state(scope.state)), parts.silent, parts.id)


def _waiting(parts: SourceSql, scope: Scope) -> State:
    """What waits, unless it has waited for so long that it is stuck."""
    waits = _of_statuses(parts, scope)
    if not parts.source.stuck_when_waiting:
        return waits
    young = sql.SQL("{} AND NOT ({})").format(
        _since_first_spared(parts, scope), sql.SQL(" AND ").join(_silent_too_long(parts, scope))
    )
    return replace(waits, condition=sql.SQL("{} AND {}").format(waits.condition, young))


def _since_first_spared(parts: SourceSql, scope: Scope) -> sql.Composable:
    """That the row is no older than the oldest of the old rows whose marks keep them from being stuck.

    Without it all that is stuck is read before the first that waits. Where very many marks are fresh, nothing is said.
    """
    limit = sql.SQL("({now} - {limit})").format(now=now_of(scope), limit=parts.limit)
    fresh = [
        sql.SQL("(SELECT f.operation_id FROM ops_sources.mark AS f WHERE f.kind = {} AND {} LIMIT {})").format(
            parts.kind, sign, sql.Literal(MOST_SPARED + 1)
        )
        for sign in _signs(parts, limit, now_of(scope))
    ]
    return sql.SQL(
        "{silent} >= (SELECT CASE WHEN count(*) > {most} THEN '-infinity' ELSE LEAST({limit}, min("
        "(SELECT {silent} FROM {table} AS e WHERE {id} = {given}))) END FROM ({fresh}) AS m)"
    ).format(
        silent=parts.silent,
        most=sql.Literal(MOST_SPARED),
        limit=limit,
        table=parts.table,
        id=parts.id,
        given=_marked_id(parts),
        fresh=sql.SQL(" UNION ALL ").join(fresh),
    )


def _stuck(parts: SourceSql, scope: Scope) -> State:
    conditions = [_open(parts, parts.in_statuses("stuck")), *_silent_too_long(parts, scope)]
    return State(_table(parts), sql.SQL(" AND ").join(conditions), parts.silent, parts.id)


def _silent_too_long(parts: SourceSql, scope: Scope) -> list[sql.Composable]:
    """The row's own silence, and one look at its mark: of stuck rows for what the scope asks of age and evidence too.

    Dead is what was alive; suspected is what has only an age to go by.
    """
    limit = sql.SQL("({now} - {limit})").format(now=now_of(scope), limit=parts.limit)
    silent: list[sql.Composable] = [sql.SQL("{} < {}").format(parts.silent, limit)]
    signs = _signs(parts, limit, now_of(scope))
    if scope.state != "stuck":
        return [*silent, no_mark(parts, *signs)]
    if scope.older_than_seconds:
        older, fresh = silent_for(parts, scope)
        silent.append(older)
        signs.append(fresh)
    if parts.source.heartbeat_column:
        return [*silent, no_mark(parts, *signs), sql.SQL("FALSE" if scope.evidence == "suspected" else "TRUE")]
    if scope.evidence == "dead":
        # The few marks that have a sign of life may lead.
        alive = sql.SQL("f.heartbeat_at IS NOT NULL AND NOT coalesce({}, FALSE)").format(sql.SQL(" OR ").join(signs))
        return [*silent, _mark(parts, alive)]
    if scope.evidence:
        signs.append(sql.SQL("f.heartbeat_at IS NOT NULL"))
    return [*silent, no_mark(parts, *signs)]


def _signs(parts: SourceSql, limit: sql.Composable, now: sql.Composable) -> list[sql.Composable]:
    """What of a mark `f` keeps a row from being stuck; any of it."""
    return [
        sql.SQL("f.last_command_at >= {}").format(limit),
        *([] if parts.source.heartbeat_column else [sql.SQL("f.heartbeat_at >= {}").format(limit)]),
        sql.SQL("f.snoozed_until >= {}").format(now),
    ]


def silent_for(parts: SourceSql, scope: Scope) -> tuple[sql.Composable, sql.Composable]:
    """That the row has said nothing for as long as the scope asks, and what its mark `f` says against it."""
    limit = sql.SQL("({} - make_interval(secs => {}))").format(now_of(scope), sql.Literal(scope.older_than_seconds))
    return (
        sql.SQL("{} < {}").format(parts.silent, limit),
        sql.SQL("GREATEST(f.last_command_at, f.heartbeat_at) >= {}").format(limit),
    )


def was_alive(parts: SourceSql) -> sql.Composable:
    """Whether there ever was a sign of life: TRUE or FALSE for each row."""
    if parts.source.heartbeat_column:
        return sql.SQL("TRUE")
    return _mark(parts, sql.SQL("f.heartbeat_at IS NOT NULL"))


def no_mark(parts: SourceSql, *conditions: sql.Composable) -> sql.Composable:
    """Whether the row has no mark, `f`, for which one of the conditions holds.

    By the primary key for each row that is read: OFFSET keeps the planner from making a join of it. Its estimate of how
    many marks are fresh is wrong from a bulk until the next ANALYZE, and in a kept plan for longer; then a join
    compared each row with each fresh mark.
    """
    return sql.SQL(
        "NOT EXISTS (SELECT FROM ops_sources.mark AS f "
        "WHERE f.kind = {kind} AND f.operation_id = {id}::text AND ({conditions}) OFFSET 0)"
    ).format(kind=parts.kind, id=parts.id, conditions=sql.SQL(" OR ").join(conditions))


def _mark(parts: SourceSql, condition: sql.Composable) -> sql.Composable:
    return sql.SQL(
        "EXISTS (SELECT FROM ops_sources.mark AS f "
        "WHERE f.kind = {kind} AND f.operation_id = {id}::text AND {condition})"
    ).format(kind=parts.kind, id=parts.id, condition=condition)


def _slow(parts: SourceSql, scope: Scope) -> State:
    """Alive, and past its usual time: ordered by its last sign of life."""
    now, limit = now_of(scope), sql.SQL("({} - {})").format(now_of(scope), parts.limit)
    statuses = _open(parts, parts.in_statuses("in_progress"))
    if parts.source.heartbeat_column:
        condition = sql.SQL("{} AND e.is_slow AND {} >= {}").format(statuses, parts.silent, limit)
        return State(_table(parts), condition, parts.silent, parts.id)
    if parts.source.slow_after_seconds is None:
        return State(_table(parts), sql.SQL("FALSE"), parts.silent, parts.id)
    past = sql.SQL("{} < {} - make_interval(secs => {})").format(
        parts.age, now, sql.Literal(parts.source.slow_after_seconds)
    )
    condition = sql.SQL("{} AND {} AND m.heartbeat_at >= {}").format(statuses, past, limit)
    return State(_from_marks(parts), condition, sql.SQL("m.heartbeat_at"), _MARKED_ID)


def _resolved(parts: SourceSql, scope: Scope) -> State:
    """What operators or the sweep acted on lately, and is over: a retry counts once its work is done."""
    after = sql.SQL("m.last_command_at >= {} - make_interval(hours => {})").format(
        now_of(scope), sql.Literal(RESOLVED_HOURS)
    )
    held = [parts.in_statuses(state) for state in ("in_progress", "waiting", "failed")]
    under_way = sql.SQL("({} OR {})").format(*held[:2])
    over = sql.SQL("NOT coalesce({}, FALSE) AND (m.last_verb <> 'retry' OR NOT coalesce({}, FALSE))").format(
        under_way, held[2]
    )
    held_all = sql.SQL("{} AND {}").format(after, over)
    return State(_from_marks(parts), held_all, sql.SQL("m.last_command_at"), _MARKED_ID)


def _from_marks(parts: SourceSql) -> sql.Composable:
    """The marks first: few of them are fresh. What is no id of this table is nobody's."""
    return sql.SQL("FROM ops_sources.mark AS m JOIN {table} AS e ON m.kind = {kind} AND {id} = {given}").format(
        table=parts.table, kind=parts.kind, id=parts.id, given=_marked_id(parts)
    )


def _marked_id(parts: SourceSql) -> sql.Composable:
    """The id of a mark `m` as its table has it; NULL where it is none."""
    kind = parts.live.columns[parts.source.id_column].type
    pattern = _ID_TEXT.get("int" if "int" in kind else kind)
    if not pattern:
        return sql.SQL("m.operation_id")
    return sql.SQL("CASE WHEN m.operation_id ~ {} THEN m.operation_id::{} END").format(
        sql.Literal(pattern), parts.id_type
    )


def _open(parts: SourceSql, statuses: sql.Composable) -> sql.Composable:
    """In these statuses, unless the row is done whatever they say."""
    if not parts.source.unless or parts.source.lacks_beside():
        return statuses
    return sql.SQL("({} AND NOT {})").format(statuses, sql.SQL(parts.source.unless))
