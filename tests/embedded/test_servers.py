"""Both servers together."""

import os
from pathlib import Path

import psycopg
import pytest
import redis

from embedded.account import Account
from embedded.servers import running, throwaway_servers

pytestmark = pytest.mark.process


def test_two_at_once_do_not_collide() -> None:
    """Two runs side by side have servers, data and sockets of their own."""
    with throwaway_servers() as one, throwaway_servers() as two:
        redis.Redis.from_url(one.valkey.url).set("seen", "one")
        with psycopg.connect(one.postgres.url(database="postgres")) as connection:
            connection.execute("CREATE TABLE only_here (id int)")
        assert redis.Redis.from_url(two.valkey.url).get("seen") is None
        with psycopg.connect(two.postgres.url(database="postgres")) as connection:
            assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)


def test_throwaway_servers_leave_no_file() -> None:
    """Data, logs and sockets of throw-away servers are gone with them."""
    with throwaway_servers() as started:
        home = started.postgres.data.parent
        assert home.exists()
    assert not home.exists()


def test_valkey_listens_on_its_private_socket_only() -> None:
    """Valkey has no TCP port, and its socket is its user's alone."""
    with throwaway_servers() as started:
        client = redis.Redis.from_url(started.valkey.url)
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("unixsocketperm") == {"unixsocketperm": "700"}


def test_root_starts_valkey_as_an_ordinary_user() -> None:
    """Whoever starts it, Valkey's process does not belong to root."""
    with throwaway_servers() as started:
        assert Path(f"/proc/{started.valkey.process.pid}").stat().st_uid != 0


def test_a_home_too_deep_for_a_socket_gets_a_short_one(home: Path, account: Account) -> None:
    """Where the checkout's path is longer than a socket's may be, sockets stand in a short directory."""
    deep = account.own(home / ("d" * 60)) / ("e" * 60)
    with running(deep, home / "log", account) as started:
        sockets = started.postgres.sockets
        assert len(os.fsencode(sockets)) < 80
        assert started.postgres.answers()
        assert started.valkey.answers()
    assert not sockets.exists()
