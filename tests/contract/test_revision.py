"""The revision: raised once a commit, whoever writes, and told to whoever listens."""

import json
import threading

import psycopg
import pytest
from django.contrib.auth.models import Group

from flags.models import Flag
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)


def revision(connection: psycopg.Connection) -> int:
    return connection.execute("SELECT revision FROM ops_v1.revision").fetchone()[0]


def test_a_commit_raises_it_once(owner: psycopg.Connection) -> None:
    """Three writes in one transaction raise the revision by one."""
    before = revision(owner)
    with owner.transaction():
        for name in ("one", "two", "three"):
            insert_flag(owner, name)
    assert revision(owner) == before + 1


def test_a_rollback_raises_nothing(owner: psycopg.Connection) -> None:
    """A transaction that rolls back leaves the revision as it was, and no note behind."""
    before = revision(owner)
    with pytest.raises(ZeroDivisionError), owner.transaction():
        insert_flag(owner, "gone")
        raise ZeroDivisionError
    assert revision(owner) == before
    assert owner.execute("SELECT count(*) FROM ops.contract_revisionpending").fetchone() == (0,)


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


def test_listeners_hear_number_and_topics(owner: psycopg.Connection) -> None:
    """One notification a commit names the new revision and the topics that it touched."""
    with psycopg.connect(database.dsn(), autocommit=True) as listener:
        listener.execute("LISTEN ops_revision")
        insert_flag(owner, "heard")
        [heard] = list(listener.notifies(timeout=5, stop_after=1))
    assert json.loads(heard.payload) == {"revision": revision(owner), "topics": ["flags"]}


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
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with psycopg.connect(database.dsn(), autocommit=True) as connection:
                for turn in range(25):
                    with connection.transaction():
                        insert_flag(connection, f"flag-{number}-{turn}")
                        connection.execute(
                            "UPDATE ops.flags_flag SET note = 'x' WHERE name = %s", [f"flag-{number}-{turn}"]
                        )
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert revision(owner) == before + 8 * 25


def insert_flag(connection: psycopg.Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO ops.flags_flag (name, testing, superusers, staff, authenticated, languages, note, created,"
        " modified, rules, owner, version) VALUES (%s, false, false, false, false, '', '', now(), now(), '[]', '', 1)",
        [name],
    )
