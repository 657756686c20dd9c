"""Time limits for reads that a missing index or a lock can make long."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled
from psycopg.pq import TransactionStatus

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


_in_force: ContextVar[_Limit | None] = ContextVar("in_force", default=None)


# A plan that reads in the order of an index stops after the rows that are wanted. By wrong estimates (a condition
# without statistics; a table just changed by a bulk) the planner prefers to gather all rows and to sort them.
_IN_ORDER = {"enable_sort": "off", "enable_bitmapscan": "off"}


@contextmanager
def limited(milliseconds: int, what: str, in_order: bool = False) -> Iterator[None]:
    """Each statement inside ends after so long, or earlier where a limit around this one is shorter.

    Raises TooSlow, which says that `what` was not found in time. `in_order`: statements read in the order of an index
    wherever one gives the order that they ask for.
    """
    around = _in_force.get()
    try:
        if around and not around.before:
            values = {"statement_timeout": f"{around.milliseconds}ms"}
            around.before = _set(values, until_transaction_ends=False)["statement_timeout"]
        is_set = around is not None and around.milliseconds <= milliseconds
        milliseconds = around.milliseconds if around and is_set else milliseconds
        if is_set and not in_order:
            with _undone_on_error():
                yield
        else:
            with _set_for_transaction(milliseconds, in_order):
                yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooSlow(f"{what} was not found within {milliseconds / 1000:.3g} s.") from error


@contextmanager
def shared_limit(milliseconds: int) -> Iterator[None]:
    """Sets one limit for the session: a `limited` inside that allows as long needs no transaction of its own.

    The first `limited` sets it, so that a page can begin while the database is unreachable.
    """
    limit = _Limit(milliseconds)
    token = _in_force.set(limit)
    try:
        yield
    finally:
        _in_force.reset(token)
        if limit.before and connection.connection is not None:
            try:
                _set({"statement_timeout": limit.before}, until_transaction_ends=False)
            except DatabaseError:
                # The next request that gets this connection from the pool must not inherit the limit.
                connection.connection.close()


@contextmanager
def _set_for_transaction(milliseconds: int, in_order: bool) -> Iterator[None]:
    inside_another = connection.in_atomic_block
    values = {"statement_timeout": f"{milliseconds}ms", **(_IN_ORDER if in_order else {})}
    with transaction.atomic():
        before = _set(values, until_transaction_ends=True)
        limit = _Limit(milliseconds, before["statement_timeout"])
        token = _in_force.set(limit)
        try:
            yield
        finally:
            _in_force.reset(token)
        if inside_another:
            _set(before, until_transaction_ends=True)


@contextmanager
def _undone_on_error() -> Iterator[None]:
    """Leaves the connection usable after an error, as the end of a transaction would."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    try:
        yield
    except BaseException:
        raw = connection.connection
        if raw is not None and raw.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        raise


def _set(values: dict[str, str], until_transaction_ends: bool) -> dict[str, str]:
    """Set these until the transaction or the session ends. Returns the previous ones."""
    asked = ", ".join("current_setting(%s), set_config(%s, %s, %s)" for _ in values)
    given = [part for name, value in values.items() for part in (name, name, value, until_transaction_ends)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", given)
        return dict(zip(values, cursor.fetchone()[::2], strict=True))
