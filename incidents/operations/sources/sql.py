"""SQL over a source's table, put together from identifiers and literals that the source declares."""

from psycopg import sql

from incidents.operations.sources.base import Source
from incidents.operations.sources.schema import LiveTable
from ops_console import foreign

_NAIVE = "timestamp without time zone"
# Their rows have one of the statuses that the indexes of owners and of error groups hold.
_OPEN = frozenset({"stuck", "in_progress", "waiting", "failed"})
# What differs each time, so that equal errors are one group.
_NORMALISED = (
    "regexp_replace(regexp_replace(left({}, 500), '[0-9a-f]{{8,}}(-[0-9a-f]+)*', '#', 'gi'), '[0-9]+', '#', 'g')"
)


class SourceSql:
    """One source's expressions over the alias `e` (its table) and `m` (our mark), for the live schema given."""

    def __init__(self, source: Source, live: LiveTable, alias: str = "e") -> None:
        self.source = source
        self.live = live
        self._alias = alias
        self.table = sql.Identifier(source.schema, source.table)
        # What slices change, and the connection on which they do.
        self.written_table, self.alias = self.table, foreign.ALIAS
        self.id = self.column(source.id_column)
        self.age = self._age()
        self.meta = self.text(source.meta_column)

    @property
    def is_foreign(self) -> bool:
        """Whether the table is the backend's own."""
        return self.source.schema != "ops"

    @property
    def kind(self) -> sql.Composable:
        return sql.Literal(self.source.kind)

    @property
    def limit(self) -> sql.Composable:
        """How long it may be silent, as an interval."""
        return sql.SQL("make_interval(secs => {})").format(sql.Literal(self.source.stuck_after_seconds))

    @property
    def silent(self) -> sql.Composable:
        """Since when the row itself has said nothing: what lists are ordered by."""
        return self.column(self.source.heartbeat_column) if self.source.heartbeat_column else self.age

    @property
    def heartbeat(self) -> sql.Composable:
        """The last sign of life, wherever it stands; NULL where there never was one."""
        if not self.source.heartbeat_column:
            return sql.SQL("m.heartbeat_at")
        return sql.SQL("GREATEST({}, m.heartbeat_at)").format(self.own_heartbeat)

    @property
    def own_heartbeat(self) -> sql.Composable:
        """The last sign of life that the row itself keeps; NULL where it keeps none."""
        name = self.source.heartbeat_column
        return self.column(name) if name else sql.SQL("NULL::timestamptz")

    def column(self, name: str) -> sql.Composable:
        return sql.Identifier(self._alias, name) if self._alias else sql.Identifier(name)

    def columns(self) -> sql.Composable:
        """The select list of what an operator sees."""
        return sql.SQL("{}, {}").format(self.facts(), self.more())

    def facts(self) -> sql.Composable:
        """What of it decides about an operation; `since` is what stuck is counted from."""
        return sql.SQL(
            "{kind} AS kind, {id}::text AS operation_id, {owner} AS owner_id, {title} AS title, "
            "{status}::text AS status, {age} AS age_at, m.last_command_at, {heartbeat} AS heartbeat_at, "
            "coalesce(m.version, 0) AS version, {attempts} AS attempts, "
            "GREATEST({age}, m.last_command_at, {heartbeat}) AS since"
        ).format(
            kind=self.kind,
            id=self.id,
            owner=self.text(self.source.owner_column),
            title=sql.SQL("coalesce({}, '')").format(self.text(self.source.title_column)),
            status=self.column(self.source.status_column),
            age=self.age,
            heartbeat=self.heartbeat,
            attempts=self.attempts,
        )

    def more(self) -> sql.Composable:
        """What only some sources know, under the names that all give it."""
        error = sql.SQL("coalesce(left({}, 300), '')").format(self.error)
        return sql.SQL(
            "'' AS worker, NULL::float AS progress_rate, '' AS progress_note, NULL::timestamptz AS expected_at, "
            "{error} AS error, {group} AS error_group"
        ).format(error=error, group=sql.SQL("coalesce({}, '')").format(self.error_group))

    @property
    def attempts(self) -> sql.Composable:
        return sql.SQL("coalesce(m.attempts, 0)")

    @property
    def error(self) -> sql.Composable:
        """The error that the row holds, as text; NULL for none."""
        if not self.source.error_text:
            return sql.SQL("NULL::text")
        named = {name: self.text(name) for name in self.source.error_columns}
        return sql.SQL("({})").format(sql.SQL(self.source.error_text).format(meta=self.meta, **named))

    @property
    def error_group(self) -> sql.Composable:
        """The same for equal errors; NULL for none."""
        return sql.SQL("left(md5({}), 16)").format(sql.SQL(_NORMALISED).format(self.error))

    def serves_group(self, state: str) -> bool:
        """Whether an index finds the rows of one error group in a state."""
        return state in _OPEN and f"{self.source.table}_ops_group" in self.live.indexes

    @property
    def serves_titles(self) -> bool:
        """Whether an index finds parts of titles."""
        return f"{self.source.table}_ops_title" in self.live.indexes

    @property
    def worker(self) -> sql.Composable | None:
        """Who holds it; None where the table does not say."""
        return None

    @property
    def tier(self) -> sql.Composable | None:
        """The owner's tier as the row keeps it; None where only the directory knows."""
        return None

    def every_column(self) -> sql.Composable:
        """All that is ever read of a row: the console's role may see these columns, and not the whole row."""
        names = [name for name in self.source.read_columns if self.live.readable(name)]
        return sql.SQL(", ").join(map(self.column, names))

    def details(self) -> sql.Composable:
        """The select list of what a change needs beside that: the meta text and the payload's columns."""
        named = [sql.SQL("{} AS {}").format(self.column(c), sql.Identifier(c)) for c in self.detail_names[1:]]
        return sql.SQL(", ").join([sql.SQL("{} AS meta").format(self.meta), *named])

    @property
    def detail_names(self) -> list[str]:
        """The names in that list."""
        wanted = dict.fromkeys((*self.source.payload_columns, *self.source.done_needs))
        return ["meta", *(c for c in wanted if self.live.readable(c))]

    def resources(self) -> sql.Composable:
        """What a backend is given to free an operation's resources by, as JSON."""
        named: list[sql.Composable] = [sql.SQL("'owner_id', {}").format(self.text(self.source.owner_column))]
        columns = [c for c in self.source.resource_columns if self.live.readable(c)]
        named += [sql.SQL("{}, {}").format(sql.Literal(c), self.column(c)) for c in columns]
        return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(named))

    def origin(self) -> sql.Composable:
        """FROM the table and our mark beside it."""
        return sql.SQL("FROM {table} AS e {mark}").format(table=self.table, mark=self.mark_beside())

    def mark_beside(self) -> sql.Composable:
        return sql.SQL("LEFT JOIN ops_sources.mark AS m ON m.kind = {kind} AND m.operation_id = {id}::text").format(
            kind=self.kind, id=self.id
        )

    def mark_of_each(self) -> sql.Composable:
        """The same mark, looked up by the primary key for each row: right for few rows, whatever the planner thinks."""
        return sql.SQL(
            "LEFT JOIN LATERAL (SELECT * FROM ops_sources.mark AS one "
            "WHERE one.kind = {kind} AND one.operation_id = {id}::text OFFSET 0) AS m ON TRUE"
        ).format(kind=self.kind, id=self.id)

    @property
    def id_type(self) -> sql.Composable:
        return sql.SQL(self.live.columns[self.source.id_column].type)

    @property
    def status_word(self) -> sql.Composable:
        """The status that the source's lists of statuses name."""
        return self.word(self.column(self.source.status_column))

    def word(self, status: sql.Composable) -> sql.Composable:
        """A status without what a backend may have written behind it."""
        separator = self.source.status_separator
        if "" in self.source.waiting:
            status = sql.SQL("coalesce({}, '')").format(status)
        return sql.SQL("split_part({}, {}, 1)").format(status, sql.Literal(separator)) if separator else status

    def in_statuses(self, state: str) -> sql.Composable:
        """The status is one of the state's; FALSE where the live column can hold none of them."""
        labels = self.source.statuses(state, self.live)
        if not labels:
            return sql.SQL("FALSE")
        return sql.SQL("{} IN ({})").format(self.status_word, sql.SQL(", ").join(map(sql.Literal, labels)))

    def of_state(self, state: str) -> sql.Composable:
        """What the row itself must say to be in a state; an index on exactly this serves it."""
        statuses = self.in_statuses(state)
        if state != "waiting" or not self.source.waiting_only:
            return statuses
        return sql.SQL("({} AND {})").format(statuses, sql.SQL(self.source.waiting_only).format(meta=self.meta))

    def _age(self) -> sql.Composable:
        """The age as an aware time whatever the session's zone; a row without one is as old as can be."""
        age, live = self.column(self.source.age_column), self.live.columns[self.source.age_column]
        if live.type == _NAIVE:
            age = sql.SQL("({} AT TIME ZONE {})").format(age, sql.Literal(self.source.age_zone))
        if not live.not_null:
            age = sql.SQL("coalesce({}, to_timestamp(0))").format(age)
        return age

    def text(self, column: str) -> sql.Composable:
        """A column as text; NULL where it cannot be read."""
        if not self.live.readable(column):
            return sql.SQL("NULL::text")
        return sql.SQL("{}::text").format(self.column(column))
