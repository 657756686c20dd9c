"""The embedded PostgreSQL: who it runs as, who reaches it, and what it makes of leftovers."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from embedded.account import Account
from embedded.binaries import find_binaries
from embedded.errors import StartError
from embedded.postgres import Postgres
from tests.waiting import until

pytestmark = pytest.mark.process


@pytest.fixture
def postgres(home: Path, account: Account) -> Iterator[Postgres]:
    """A cluster that is not started yet."""
    sockets = account.own(home / "run")
    binaries = find_binaries(account).postgres
    server = Postgres(binaries, home / "postgres", sockets, home / "log" / "postgres.log", account)
    yield server
    server.stop()


def test_root_starts_it_as_an_ordinary_user(postgres: Postgres) -> None:
    """Whoever starts it, the server's process does not belong to root."""
    postgres.start()
    assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0


def test_nobody_else_reaches_its_socket(postgres: Postgres) -> None:
    """The socket's directory is closed to others, and the server listens on no TCP port."""
    postgres.start()
    assert stat.S_IMODE(postgres.sockets.stat().st_mode) == 0o700
    with psycopg.connect(postgres.url(database="postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_role_connects_by_its_name(postgres: Postgres) -> None:
    """The URL of a role connects as that role."""
    postgres.start()
    with psycopg.connect(postgres.url(database="postgres")) as connection:
        connection.execute("CREATE ROLE ops_console LOGIN")
    with psycopg.connect(postgres.url("ops_console", "postgres")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("ops_console",)


def test_its_url_means_the_same_to_django_and_to_libpq(postgres: Postgres) -> None:
    """django-environ and libpq read role, database and socket directory alike."""
    url = postgres.url("ops_owner", "podcast")
    django = environ.Env.db_url_config(url)
    assert conninfo_to_dict(url) == {
        "user": django["USER"],
        "dbname": django["NAME"],
        "host": django["OPTIONS"]["host"],
    }
    assert (django["USER"], django["HOST"]) == ("ops_owner", "")


def test_a_pid_file_of_a_process_that_is_no_server_does_not_hinder(postgres: Postgres) -> None:
    """A pid file left by a crash may name a number that somebody else has now: it is dropped."""
    postgres.start()
    postgres.stop()
    lines = [str(os.getpid()), str(postgres.data), "1", "5432", str(postgres.sockets), "", "0"]
    (postgres.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (postgres.sockets / ".s.PGSQL.5432.lock").write_text("\n".join(lines) + "\n")
    postgres.start()
    assert postgres.answers()


def test_an_unreadable_pid_file_does_not_hinder(postgres: Postgres) -> None:
    """An empty pid file, as a full disk leaves it, is dropped."""
    postgres.start()
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text("")
    postgres.start()
    assert postgres.answers()


def test_a_server_that_outlived_its_parent_is_ended(postgres: Postgres) -> None:
    """The next start ends a server that still holds the data, and takes the data up."""
    postgres.start()
    left_over = postgres.process
    later = Postgres(postgres.binaries, postgres.data, postgres.sockets, postgres.log, postgres.account)
    later.start()
    assert not left_over.running()
    assert later.answers()
    later.stop()


def test_it_starts_again_after_its_own_kill_9(postgres: Postgres) -> None:
    """A killed server can be started again at once, with what was committed."""
    postgres.start()
    with psycopg.connect(postgres.url(database="postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postgres.process.pid or 0, 9)
    until(lambda: not postgres.process.running(), 10)
    postgres.start()
    with psycopg.connect(postgres.url(database="postgres")) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_cluster_that_was_not_finished_is_made_anew(postgres: Postgres) -> None:
    """An initdb that was killed half-way leaves nothing that a later start would take for a cluster."""
    unfinished = postgres.data.with_name("postgres.unfinished")
    postgres.account.own(unfinished)
    (unfinished / "PG_VERSION").write_text("17\n")
    postgres.start()
    assert postgres.answers()
    assert not unfinished.exists()


def test_data_of_another_version_is_refused_with_a_way_out(postgres: Postgres) -> None:
    """Data of another major version is left alone; the message says what to do."""
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(StartError, match=r"written by PostgreSQL 15.*--reset"):
        postgres.start()


def test_a_server_that_cannot_start_shows_its_log(postgres: Postgres) -> None:
    """When it ends while starting, the error carries the end of its log."""
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(StartError, match="no_such_setting"):
        postgres.start()
