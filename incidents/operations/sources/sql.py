"""SQL over a source's table, put together from identifiers and literals that the source declares."""

from typing import Any

from psycopg import sql

from incidents.operations.scope import Scope
from incidents.operations.sources.base import Source
from incidents.operations.sources.schema import LiveTable

_NAIVE = "timestamp without time zone"


class SourceSql:
    """One source's expressions over the alias `e` (its table) and `m` (our mark), for the live schema given."""

    def __init__(self, source: Source, live: LiveTable, alias: str = "e") -> None:
        self.source = source
        self.live = live
        self._alias = alias
        self.table = sql.Identifier(source.schema, source.table)
        self.id = self.column(source.id_column)
        self.age = self._age()
        self.meta = self.text(source.meta_column)

    def column(self, name: str) -> sql.Composable:
        return sql.Identifier(self._alias, name) if self._alias else sql.Identifier(name)

    def columns(self) -> sql.Composable:
        """The select list of what an operator sees; `since` is what stuck is counted from."""
        return sql.SQL(
            "{id}::text AS operation_id, {owner} AS owner_id, {title} AS title, {status}::text AS status, "
            "{age} AS age_at, m.last_command_at, m.heartbeat_at, coalesce(m.version, 0) AS version, "
            "coalesce(m.attempts, 0) AS attempts, GREATEST({age}, m.last_command_at, m.heartbeat_at) AS since"
        ).format(
            id=self.id,
            owner=self.text(self.source.owner_column),
            title=sql.SQL("coalesce({}, '')").format(self.text(self.source.title_column)),
            status=self.column(self.source.status_column),
            age=self.age,
        )

    def details(self) -> sql.Composable:
        """The select list of what a change needs beside that: the meta text and the payload's columns."""
        wanted = dict.fromkeys((*self.source.payload_columns, *self.source.done_needs))
        columns = [c for c in wanted if self.live.readable(c)]
        named = [sql.SQL("{} AS {}").format(self.column(c), sql.Identifier(c)) for c in columns]
        return sql.SQL(", ").join([sql.SQL("{} AS meta").format(self.meta), *named])

    def resources(self) -> sql.Composable:
        """What a backend is given to free an operation's resources by, as JSON."""
        named: list[sql.Composable] = [sql.SQL("'owner_id', {}").format(self.text(self.source.owner_column))]
        columns = [c for c in self.source.resource_columns if self.live.readable(c)]
        named += [sql.SQL("{}, {}").format(sql.Literal(c), self.column(c)) for c in columns]
        return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(named))

    def origin(self) -> sql.Composable:
        """FROM the table and our mark beside it."""
        return sql.SQL(
            "FROM {table} AS e LEFT JOIN ops.operations_operationmark AS m "
            "ON m.kind = {kind} AND m.operation_id = {id}::text"
        ).format(table=self.table, kind=sql.Literal(self.source.kind), id=self.id)

    def where(self, scope: Scope) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition of a scope and its parameters."""
        conditions = [self._state(scope.state)]
        params: dict[str, Any] = {"as_of": scope.as_of, "stuck": self.source.stuck_after_seconds}
        if scope.older_than_seconds:
            conditions.append(
                sql.SQL(
                    "GREATEST({age}, m.last_command_at, m.heartbeat_at) < {now} - make_interval(secs => %(older)s)"
                ).format(age=self.age, now=_NOW)
            )
            params["older"] = scope.older_than_seconds
        if scope.owners is not None:
            conditions.append(sql.SQL("{} = ANY(%(owners)s)").format(self.text(self.source.owner_column)))
            params["owners"] = list(scope.owners)
        if scope.text:
            conditions.append(self._search())
            params |= {"text": f"%{_escaped(scope.text)}%", "start": f"{_escaped(scope.text.lower())}%"}
        if scope.ids is not None:
            conditions.append(sql.SQL("{id} = ANY(%(ids)s::{type}[])").format(id=self.id, type=self.id_type))
            params["ids"] = [i for i in scope.ids if self.source.valid_id(i, self.live)]
        return sql.SQL(" AND ").join(conditions), params

    @property
    def id_type(self) -> sql.Composable:
        return sql.SQL(self.live.columns[self.source.id_column].type)

    def in_statuses(self, state: str) -> sql.Composable:
        """The status is one of the state's; FALSE where the live column can hold none of them."""
        labels = self.source.statuses(state, self.live)
        if not labels:
            return sql.SQL("FALSE")
        return sql.SQL("{} IN ({})").format(
            self.column(self.source.status_column), sql.SQL(", ").join(map(sql.Literal, labels))
        )

    def _state(self, state: str) -> sql.Composable:
        if state == "any":
            return sql.SQL("TRUE")
        statuses = self.in_statuses(state)
        if state == "waiting" and self.source.waiting_only:
            return sql.SQL("({} AND {})").format(statuses, sql.SQL(self.source.waiting_only).format(meta=self.meta))
        if state in ("stuck", "in_progress"):
            return sql.SQL("({} AND {})").format(statuses, self._stuck(state == "stuck"))
        return statuses

    def _stuck(self, yes: bool) -> sql.Composable:
        limit = sql.SQL("{now} - make_interval(secs => %(stuck)s)").format(now=_NOW)
        if not yes:
            return sql.SQL("(GREATEST({}, m.last_command_at, m.heartbeat_at) >= {} OR m.snoozed_until >= {})").format(
                self.age, limit, _NOW
            )
        # Three conditions and not one GREATEST: the first alone is what an index on the age can serve.
        return sql.SQL(
            "{age} < {limit} AND (m.last_command_at IS NULL OR m.last_command_at < {limit}) "
            "AND (m.heartbeat_at IS NULL OR m.heartbeat_at < {limit}) "
            "AND (m.snoozed_until IS NULL OR m.snoozed_until < {now})"
        ).format(age=self.age, limit=limit, now=_NOW)

    def _search(self) -> sql.Composable:
        return sql.SQL("({title} ILIKE %(text)s OR {id}::text LIKE %(start)s)").format(
            title=self.text(self.source.title_column), id=self.id
        )

    def _age(self) -> sql.Composable:
        """The age as an aware time whatever the session's zone; a row without one is as old as can be."""
        age, live = self.column(self.source.age_column), self.live.columns[self.source.age_column]
        if live.type == _NAIVE:
            age = sql.SQL("({} AT TIME ZONE {})").format(age, sql.Literal(self.source.age_zone))
        if not live.not_null:
            age = sql.SQL("coalesce({}, to_timestamp(0))").format(age)
        return age

    def text(self, column: str) -> sql.Composable:
        if not self.live.readable(column):
            return sql.SQL("NULL::text")
        return sql.SQL("{}::text").format(self.column(column))


_NOW = sql.SQL("coalesce(%(as_of)s::timestamptz, now())")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def wanted_indexes(source: Source, live: LiveTable) -> dict[str, str]:
    """The indexes that lists of this source are served by, as SQL by name."""
    parts = SourceSql(source, live, alias="")
    states = [state for state in ("in_progress", "waiting", "failed") if source.statuses(state, live)]
    return {f"{source.table}_ops_{state}": _index(parts, state) for state in states}


def missing_indexes(source: Source, live: LiveTable) -> dict[str, str]:
    """Those of them that are not there, or not valid."""
    return {name: text for name, text in wanted_indexes(source, live).items() if name not in live.indexes}


def _index(parts: SourceSql, state: str) -> str:
    return (
        sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} (({}), {}) WHERE {};")
        .format(
            sql.Identifier(f"{parts.source.table}_ops_{state}"),
            parts.table,
            parts.age,
            parts.id,
            parts.in_statuses(state),
        )
        .as_string()
    )
