"""The revision: raised once a commit, whoever writes, and told to whoever listens."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group
from psycopg.types.json import Jsonb

from flags.models import Flag
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)


def revision(connection: psycopg.Connection) -> int:
    return revision_and_token(connection)[0]


def revision_and_token(connection: psycopg.Connection) -> Any:
    return connection.execute("SELECT revision, token FROM ops_v1.revision").fetchone()


def test_a_commit_raises_it_once(owner: psycopg.Connection) -> None:
    """Three writes in one transaction raise the revision by one."""
    before = revision(owner)
    with owner.transaction():
        for name in ("one", "two", "three"):
            insert_flag(owner, name)
    assert revision(owner) == before + 1


def test_a_rollback_raises_nothing(owner: psycopg.Connection) -> None:
    """A transaction that rolls back leaves the revision as it was."""
    before = revision(owner)
    with pytest.raises(ZeroDivisionError), owner.transaction():
        insert_flag(owner, "gone")
        raise ZeroDivisionError
    assert revision(owner) == before


@pytest.mark.parametrize("write", ["bulk", "m2m", "sql"])
def test_no_way_of_writing_escapes_it(owner: psycopg.Connection, django_user_model, write: str) -> None:
    """A bulk update, a many-to-many table and plain SQL raise the revision as a service does."""
    flag = Flag.objects.create(name="any")
    user = django_user_model.objects.create(username="somebody")
    before = revision(owner)
    if write == "bulk":
        Flag.objects.update(percent=5)
    elif write == "m2m":
        flag.users.add(user)
    else:
        owner.execute("UPDATE ops.flags_flag SET everyone = true")
    assert revision(owner) == before + 1


def test_a_group_with_a_new_name_raises_it(owner: psycopg.Connection) -> None:
    """Flags name groups: renaming one is a change of what backends evaluate."""
    group = Group.objects.create(name="listeners")
    before = revision(owner)
    Group.objects.filter(pk=group.pk).update(name="subscribers")
    assert revision(owner) == before + 1


def test_listeners_hear_the_topic(owner: psycopg.Connection) -> None:
    """Three writes of one transaction are one notification, which names the topic that they touched."""
    with psycopg.connect(database.dsn(), autocommit=True) as listener:
        listener.execute("LISTEN ops_revision")
        with owner.transaction():
            for name in ("one", "two", "three"):
                insert_flag(owner, name)
        owner.execute("NOTIFY ops_revision, 'last'")
        heard = [each.payload for each in listener.notifies(timeout=5, stop_after=2)]
    assert heard == ["flags", "last"]


def test_another_server_counts_with_other_tokens(owner: psycopg.Connection) -> None:
    """After a failover the same number may stand for other changes: the token tells them apart."""
    owner.execute("BEGIN")
    insert_flag(owner, "lost")
    lost = revision_and_token(owner)
    owner.execute("ROLLBACK")  # as a change that the server that failed did not hand on
    insert_flag(owner, "instead")
    instead = revision_and_token(owner)
    assert (instead[0], instead[1] != lost[1]) == (lost[0], True)


def test_folding_changes_nothing_that_is_read(owner: psycopg.Connection) -> None:
    """What was changed is one row when it was seen, and settled a propagation bound later; revision and token stay."""
    owner.execute("DELETE FROM ops.config_change")
    for name in ("one", "two", "three"):
        insert_flag(owner, name)
    before = revision_and_token(owner)
    for age, rows, settled in (("0", 1, 0), ("6 s", 1, 3), ("0", 1, 3)):
        owner.execute("UPDATE ops.config_change SET seen_at = seen_at - %s::interval", [age])
        owner.execute("SELECT ops.fold_config_changes()")
        assert revision_and_token(owner) == before
        assert owner.execute("SELECT count(*) FROM ops.config_change").fetchone() == (rows,)
        assert owner.execute("SELECT settled_revision FROM ops_v1.revision").fetchone() == (settled,)
    insert_flag(owner, "four")
    owner.execute("SELECT ops.fold_config_changes()")
    assert owner.execute("SELECT revision, settled_revision FROM ops_v1.revision").fetchone() == (4, 3)


def test_a_poll_reads_few_rows_though_nobody_folds(owner: psycopg.Connection) -> None:
    """Without a console, changes fold each other: the table stays below some hundred rows, and counts every commit."""
    owner.execute("DELETE FROM ops.config_change")
    for number in range(1100):
        owner.execute("DELETE FROM ops.flags_segment WHERE name = %s", [str(number)])
    assert revision(owner) == 1100
    assert owner.execute("SELECT count(*) <= 501 FROM ops.config_change").fetchone() == (True,)


def test_no_snapshot_contradicts_its_revision(owner: psycopg.Connection, backend: psycopg.Connection) -> None:
    """Equal revision and token mean equal data, and each commit counts once: beside writers, folding and a backend that
    keeps its transaction open.
    """
    backend.execute("BEGIN")
    backend.execute("SELECT ops_v1.register_breaker('held', %s)", [Jsonb({"open_seconds": 1, "probe_seconds": 1})])
    backend.execute("SET CONSTRAINTS ALL IMMEDIATE")
    owner.execute("SELECT ops.fold_config_changes()")
    start = revision(owner)
    finished: list[int] = []
    seen: dict[tuple[int, int], set[tuple[int, str]]] = {}

    def write(connection: psycopg.Connection, number: int) -> None:
        try:
            for turn in range(60):
                with connection.transaction(force_rollback=turn % 5 == 4):
                    insert_flag(connection, f"flag-{number}-{turn}")
                    connection.execute(
                        "UPDATE ops.flags_flag SET note = 'x' WHERE name = %s", [f"flag-{number}-{turn}"]
                    )
        finally:
            finished.append(number)

    def fold(connection: psycopg.Connection, number: int) -> None:
        while len(finished) < 4:
            connection.execute("SELECT ops.fold_config_changes()")
            # What was seen counts as seen long ago, so that it is settled, and summed again, all the time.
            connection.execute(
                "UPDATE ops.config_change SET seen_at = seen_at - interval '1 minute' WHERE (xid, topic) IN"
                " (SELECT xid, topic FROM ops.config_change WHERE topic = '(seen)' FOR UPDATE SKIP LOCKED)"
            )

    def read(connection: psycopg.Connection, number: int) -> None:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        while len(finished) < 4:
            with connection.transaction():
                found = revision_and_token(connection)
                flags = "SELECT count(*), coalesce(md5(string_agg(name, ' ' ORDER BY name)), '') FROM ops.flags_flag"
                seen.setdefault(found, set()).add(connection.execute(flags).fetchone())

    together([write] * 4 + [fold] * 2 + [read] * 2)
    assert revision(owner) == start + 4 * 48
    contradictions = {found: data for found, data in seen.items() if len(data) > 1}
    assert not contradictions
    assert all(number - start == count for (number, _), data in seen.items() for count, _ in data)


def together(works: list[Callable[[psycopg.Connection, int], None]]) -> None:
    """Run each on a thread and a connection of its own, as the owner. Raises what the first of them raised."""
    failures: list[BaseException] = []

    def run(work: Callable[[psycopg.Connection, int], None], number: int) -> None:
        try:
            with psycopg.connect(database.dsn(), autocommit=True) as connection:
                work(connection, number)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work, number)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_an_open_change_makes_nobody_wait(owner: psycopg.Connection) -> None:
    """While one transaction holds a changed flag open, another flag's change commits."""
    with psycopg.connect(database.dsn()) as slow:
        insert_flag(slow, "slow")
        owner.execute("SET lock_timeout = '2s'")
        insert_flag(owner, "quick")
        assert owner.execute("SELECT count(*) FROM ops.flags_flag").fetchone() == (1,)


def test_many_writers_never_deadlock(owner: psycopg.Connection) -> None:
    """Eight writers of 25 two-table transactions each all commit, and every commit counted once."""
    before = revision(owner)

    def write(connection: psycopg.Connection, number: int) -> None:
        for turn in range(25):
            with connection.transaction():
                insert_flag(connection, f"flag-{number}-{turn}")
                connection.execute("UPDATE ops.flags_flag SET note = 'x' WHERE name = %s", [f"flag-{number}-{turn}"])

    together([write] * 8)
    assert revision(owner) == before + 8 * 25


def insert_flag(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO ops.flags_flag (name, testing, superusers, staff, authenticated, languages, note, created,"
        " modified, rules, owner, version) VALUES (%s, false, false, false, false, '', '', now(), now(), '[]', '', 1)",
        [name],
    )
