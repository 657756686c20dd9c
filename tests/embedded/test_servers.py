"""Both servers together."""

import os
from pathlib import Path

import psycopg
import pytest
import redis

from embedded.account import Account
from embedded.binaries import find_binaries
from embedded.servers import running, throwaway_servers
from embedded.valkey import Valkey

pytestmark = pytest.mark.process


def test_two_at_once_do_not_collide() -> None:
    """Two runs side by side have servers, data and sockets of their own, and leave no file."""
    with throwaway_servers() as one, throwaway_servers() as two:
        redis.Redis.from_url(one.valkey.url).set("seen", "one")
        with psycopg.connect(one.postgres.url(database="postgres")) as connection:
            connection.execute("CREATE TABLE only_here (id int)")
        assert redis.Redis.from_url(two.valkey.url).get("seen") is None
        with psycopg.connect(two.postgres.url(database="postgres")) as connection:
            assert connection.execute("SELECT to_regclass('only_here')").fetchone() == (None,)
        homes = [one.postgres.data.parent, two.postgres.data.parent]
        assert all(home.exists() for home in homes)
    assert not any(home.exists() for home in homes)


def test_valkey_is_private_to_an_ordinary_user(home: Path, account: Account) -> None:
    """Valkey does not run as root, has no TCP port, and its socket is its user's alone."""
    valkey = Valkey(find_binaries(account).valkey, home / "valkey", home, home / "log" / "valkey.log", account)
    valkey.start()
    try:
        client = redis.Redis.from_url(valkey.url)
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("unixsocketperm") == {"unixsocketperm": "700"}
        assert Path(f"/proc/{valkey.process.pid}").stat().st_uid != 0
    finally:
        valkey.stop()


def test_a_home_too_deep_for_a_socket_gets_a_short_one(home: Path, account: Account) -> None:
    """Where the checkout's path is longer than a socket's may be, sockets stand in a short directory."""
    deep = account.own(home / ("d" * 60)) / ("e" * 60)
    with running(deep, home / "log", account) as started:
        sockets = started.postgres.sockets
        assert len(os.fsencode(sockets)) < 80
        assert started.postgres.answers()
        assert started.valkey.answers()
    assert not sockets.exists()
