"""Time limits for reads that a missing index or a lock can make long."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections, transaction
from psycopg.errors import QueryCanceled
from psycopg.pq import TransactionStatus

from ops_console import foreign
from ops_console.errors import ConsoleError


class TooSlow(ConsoleError):
    """The database did not answer in time."""

    status = 503
    code = "too_slow"


@dataclass
class _Limit:
    """A limit, and what to set when it ends. One without `before` is not set yet."""

    milliseconds: int
    before: str = ""


# By connection. One without an entry has no limit yet.
_in_force: ContextVar[dict[str, _Limit]] = ContextVar("in_force", default={})  # noqa: B039 - replaced, never changed


# A plan that reads in the order of an index stops after the rows that are wanted. By wrong estimates (a condition
# without statistics; a table just changed by a bulk) the planner prefers to gather all rows and to sort them.
_IN_ORDER = {"enable_sort": "off", "enable_bitmapscan": "off"}


@contextmanager
def limited(milliseconds: int, what: str, in_order: bool = False, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Each statement inside ends after so long, or earlier where a limit around this one is shorter.

    Raises TooSlow, which says that `what` was not found in time. `in_order`: statements read in the order of an index
    wherever one gives the order that they ask for. `using`: the connection on which they are; a limit around this one
    counts whatever connection it was set on.
    """
    limits = _in_force.get()
    around = limits.get(using)
    milliseconds = min([milliseconds, *(limit.milliseconds for limit in limits.values())])
    try:
        _set_lazily(around, using)
        if around is not None and around.milliseconds <= milliseconds and not in_order:
            with _undone_on_error(using):
                yield
        else:
            with _set_for_transaction(milliseconds, in_order, using):
                yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooSlow(f"{what} was not found within {milliseconds / 1000:.3g} s.") from error


@contextmanager
def also_limited(using: str) -> Iterator[None]:
    """Whatever limit is in force on another connection counts on this one too. Nothing where there is none."""
    limits = _in_force.get()
    if not limits or using in limits:
        _set_lazily(limits.get(using), using)
        yield
        return
    with limited(min(limit.milliseconds for limit in limits.values()), "The data", using=using):
        yield


@contextmanager
def shared_limit(milliseconds: int) -> Iterator[None]:
    """Sets one limit for the session: a `limited` inside that allows as long needs no transaction of its own.

    The first `limited` on a connection sets it, so that a page can begin while the database is unreachable.
    """
    limits = {using: _Limit(milliseconds) for using in (DEFAULT_DB_ALIAS, foreign.ALIAS)}
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)
        for using, limit in limits.items():
            connection = connections[using]
            if limit.before and connection.connection is not None:
                try:
                    _set({"statement_timeout": limit.before}, using, until_transaction_ends=False)
                except DatabaseError:
                    # The next request that gets this connection from the pool must not inherit the limit.
                    connection.connection.close()


def _set_lazily(limit: _Limit | None, using: str) -> None:
    if limit and not limit.before:
        values = {"statement_timeout": f"{limit.milliseconds}ms"}
        limit.before = _set(values, using, until_transaction_ends=False)["statement_timeout"]


@contextmanager
def _set_for_transaction(milliseconds: int, in_order: bool, using: str) -> Iterator[None]:
    inside_another = connections[using].in_atomic_block
    values = {"statement_timeout": f"{milliseconds}ms", **(_IN_ORDER if in_order else {})}
    with transaction.atomic(using=using):
        before = _set(values, using, until_transaction_ends=True)
        limit = _Limit(milliseconds, before["statement_timeout"])
        token = _in_force.set({**_in_force.get(), using: limit})
        try:
            with foreign.patient(milliseconds) if using == foreign.ALIAS else nullcontext():
                yield
        finally:
            _in_force.reset(token)
        if inside_another:
            _set(before, using, until_transaction_ends=True)


@contextmanager
def _undone_on_error(using: str) -> Iterator[None]:
    """Leaves the connection usable after an error, as the end of a transaction would."""
    connection = connections[using]
    if connection.in_atomic_block:
        with transaction.atomic(using=using):
            yield
        return
    try:
        yield
    except BaseException:
        raw = connection.connection
        if raw is not None and raw.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        raise


def _set(values: dict[str, str], using: str, until_transaction_ends: bool) -> dict[str, str]:
    """Set these until the transaction or the session ends. Returns the previous ones."""
    asked = ", ".join("current_setting(%s), set_config(%s, %s, %s)" for _ in values)
    given = [part for name, value in values.items() for part in (name, name, value, until_transaction_ends)]
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {asked}", given)
        return dict(zip(values, cursor.fetchone()[::2], strict=True))
