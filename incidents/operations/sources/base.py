"""A source: how this console sees and changes somebody else's rows. One subclass a foreign table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from incidents.operations.sources.schema import LiveTable, live_table
from ops_client.text import is_storable
from ops_console.contract.grants import ForeignGrant

# The states that a list can show, in the order of its tabs.
STATES = ("stuck", "slow", "waiting", "in_progress", "failed", "resolved")


class CannotRetry(Exception):
    """The row lacks what a retry needs; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Problem:
    """What a source cannot do on the live schema, and what to do about it.

    `stops` names list, retry, fail, resolve, free.
    """

    message: str
    hint: str
    stops: frozenset[str]


@dataclass(frozen=True)
class FailureNote:
    """Why, when (ISO, UTC), by whom and by which action an operation was failed."""

    reason: str
    at: str
    by: str
    action: int

    def keys(self) -> dict[str, Any]:
        return {"error_reason": self.reason, "error_at": self.at, "error_by": self.by, "error_action": self.action}


class Source:
    """Names and statuses of a foreign table. Missing columns and labels cost abilities, never a crash.

    `age_zone` is the zone of the age column where it is naive. `stuck_after_seconds` counts from the latest of the
    age column, our last command and the last heartbeat.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    plural: ClassVar[str]
    schema: ClassVar[str] = "public"
    table: ClassVar[str]
    id_column: ClassVar[str] = "id"
    owner_column: ClassVar[str]
    title_column: ClassVar[str]
    status_column: ClassVar[str]
    age_column: ClassVar[str]
    age_zone: ClassVar[str] = "UTC"
    meta_column: ClassVar[str]
    # Read where they are there: what a retry's payload is made of.
    payload_columns: ClassVar[tuple[str, ...]] = ()
    in_progress: ClassVar[tuple[str, ...]]
    # "" among the statuses is a row without one.
    waiting: ClassVar[tuple[str, ...]] = ()
    # What waits for longer than the limit is stuck too: nothing but time tells whether it will ever begin.
    stuck_when_waiting: ClassVar[bool] = False
    failed: ClassVar[tuple[str, ...]] = ()
    # A condition on `e` beside the waiting statuses; `{meta}` stands for the meta column as text.
    waiting_only: ClassVar[str] = ""
    # What a backend may write behind a status comes after this: `error:no such bucket`.
    status_separator: ClassVar[str] = ""
    # A column of signs of life of its own; "" where only our marks hold them.
    heartbeat_column: ClassVar[str] = ""
    # A condition on `e` under which the row is none of these operations, or done whatever its status says.
    unless: ClassVar[str] = ""
    # Another table that `unless` reads: schema, table, columns.
    beside: ClassVar[tuple[str, str, tuple[str, ...]] | None] = None
    # The error as text, in SQL: `{meta}` and the names of columns that are read stand for themselves as text.
    error_text: ClassVar[str] = ""
    error_columns: ClassVar[tuple[str, ...]] = ()
    # Past this, work that gives signs of life is slow; None where each row says so itself, or nobody knows.
    slow_after_seconds: ClassVar[int | None] = None
    retry_status: ClassVar[str]
    fail_status: ClassVar[str]
    # Set by "mark resolved", for work that was done elsewhere; "" where only the backend can know that it is done.
    done_status: ClassVar[str] = ""
    # Columns without which it cannot be done, whoever says so.
    done_needs: ClassVar[tuple[str, ...]] = ()
    # How the meta column takes the reason of a failure: `json` keys of its object, the bare `text`, or not at all ("").
    reason_as: ClassVar[str] = "json"
    # What a backend needs to free what an operation leaves behind; without, there is nothing to free.
    resource_columns: ClassVar[tuple[str, ...]] = ()
    # Breakers of what a retry calls: while one is open, retries wait.
    providers: ClassVar[tuple[str, ...]] = ()
    # When the work ended, where the table keeps it; set with a failure, and emptied when the work begins anew.
    ended_column: ClassVar[str] = ""
    # "Episode": how a user knows an operation of this kind.
    user_word: ClassVar[str] = "job"
    # What a person should know before believing a change of this source.
    caveat: ClassVar[str] = ""

    @property
    def stuck_after_seconds(self) -> int:
        """How long without news an operation in progress may be before it counts as stuck."""
        return 2 * 3600

    @property
    def stuck_statuses(self) -> tuple[str, ...]:
        """The statuses of what can be stuck."""
        return (*self.in_progress, *(self.waiting if self.stuck_when_waiting else ()))

    @property
    def qualified_table(self) -> str:
        return f'{self.schema}."{self.table}"'

    @property
    def required_columns(self) -> tuple[str, ...]:
        return (self.id_column, self.status_column, self.age_column)

    @property
    def read_columns(self) -> tuple[str, ...]:
        named = (self.owner_column, self.title_column, self.meta_column)
        wanted = (*self.payload_columns, *self.done_needs, *self.resource_columns, *self.error_columns)
        return tuple(name for name in dict.fromkeys((*self.required_columns, *named, *wanted)) if name)

    @property
    def written_columns(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.status_column, self.meta_column, self.ended_column)))

    def grants(self) -> list[ForeignGrant]:
        """What the console's role needs on the table, column by column."""
        needed = [
            ForeignGrant("SELECT", self.qualified_table, self.read_columns),
            ForeignGrant("UPDATE", self.qualified_table, self.written_columns),
        ]
        if self.beside:
            schema, table, columns = self.beside
            needed.append(ForeignGrant("SELECT", f'{schema}."{table}"', columns))
        return needed

    def live(self) -> LiveTable:
        """The table as it stands in this database."""
        return live_table(self.schema, self.table)

    def status_word(self, status: str) -> str:
        """The status without what a backend may have written behind it."""
        return status.partition(self.status_separator)[0] if self.status_separator else status

    def statuses(self, state: str, live: LiveTable) -> list[str]:
        """The statuses of a state (`stuck` shares those of `in_progress`, `slow` too) that the live column can hold."""
        by_state = {"waiting": self.waiting, "failed": self.failed, "stuck": self.stuck_statuses}
        return [label for label in by_state.get(state, self.in_progress) if live.has_label(self.status_column, label)]

    def valid_id(self, operation_id: str, live: LiveTable) -> bool:
        """Whether the text can be an id of this table at all."""
        kind = live.columns[self.id_column].type
        try:
            UUID(operation_id) if kind == "uuid" else int(operation_id) if "int" in kind else None
        except ValueError:
            return False
        return is_storable(operation_id)

    def problems(self, live: LiveTable) -> list[Problem]:
        """Everything that the live schema keeps this source from doing."""
        if not live.columns:
            return [Problem(f"There is no table {self.qualified_table} in this database.", _MISSING, _ALL)]
        return [*self._column_problems(live), *self._label_problems(live), *self._beside_problems()]

    def lacks_beside(self) -> list[str]:
        """Columns of the table beside it that cannot be read."""
        if self.beside is None:
            return []
        schema, table, columns = self.beside
        live = live_table(schema, table)
        return [f'{schema}."{table}".{column}' for column in columns if not live.readable(column)]

    def why_not(self, ability: str, live: LiveTable) -> str:
        """Why the source cannot `list`, `retry`, `fail`, `resolve` or `free` here; "" if it can."""
        return " ".join(problem.message for problem in self.problems(live) if ability in problem.stops)

    def payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What a backend needs to do the work again. Raises CannotRetry, naming the missing field."""
        raise NotImplementedError

    def storable_payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The payload, if the outbox can keep it: PostgreSQL's JSON takes no NaN, no NUL and no half characters.

        One such row must not take the two thousand others of its chunk with it. Raises CannotRetry.
        """
        payload = self.payload(row)
        if not is_storable(payload):
            field = next(name for name, value in payload.items() if not is_storable({name: value}))
            raise CannotRetry(field, f"{field} holds characters or numbers that cannot be passed on.")
        return payload

    def _column_problems(self, live: LiveTable) -> Iterator[Problem]:
        for column in dict.fromkeys(self.read_columns):
            if not live.readable(column):
                yield Problem(
                    f"{self.qualified_table}.{column} {_lack(column, live)} read.", _GRANT, self._needs(column)
                )
        if not live.writable(self.status_column):
            yield Problem(f"{self.qualified_table}.{self.status_column} may not be written.", _GRANT, _WRITING)

    def _beside_problems(self) -> Iterator[Problem]:
        for column in self.lacks_beside():
            yield Problem(f"{column} cannot be read: what is done by it is not known.", _GRANT, frozenset())

    def _needs(self, column: str) -> frozenset[str]:
        if column in self.required_columns:
            return _ALL
        if column in self.done_needs:
            return frozenset({"resolve"})
        return frozenset({"retry"}) if column == self.meta_column else frozenset()

    def _label_problems(self, live: LiveTable) -> Iterator[Problem]:
        if not self.statuses("in_progress", live):
            yield self._no_label(self.in_progress, frozenset({"list", "retry"}))
        if not live.has_label(self.status_column, self.retry_status):
            yield self._no_label((self.retry_status,), frozenset({"retry"}))
        if not live.has_label(self.status_column, self.fail_status):
            yield self._no_label((self.fail_status,), frozenset({"fail"}))
        if self.done_status and not live.has_label(self.status_column, self.done_status):
            yield self._no_label((self.done_status,), frozenset({"resolve"}))

    def _no_label(self, labels: tuple[str, ...], stops: frozenset[str]) -> Problem:
        names = " or ".join(repr(label) for label in labels)
        return Problem(f"{self.qualified_table}.{self.status_column} has no label {names} here.", _LABEL, stops)


def _lack(column: str, live: LiveTable) -> str:
    return "may not be" if column in live.columns else "is missing and cannot be"


_WRITING = frozenset({"retry", "fail", "resolve"})
_ALL = _WRITING | {"list", "free"}
_MISSING = "The backend's own migrations make it; the page works without."
_GRANT = "Run what `manage.py grant_console ROLE` prints, as the owner of the table."
_LABEL = "Add it in the backend's own migration: ALTER TYPE ... ADD VALUE."
