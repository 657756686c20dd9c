"""A real PgBouncer in front of the test server."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from embedded.account import ordinary_account
from embedded.places import throwaway
from embedded.process import Command, Process

INSTALL_PGBOUNCER = "apt install --no-install-recommends pgbouncer"


def find_pgbouncer() -> str | None:
    """Its path; Debian installs it where only root looks."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pgbouncer(dsn: str, mode: str = "transaction", **settings: object) -> Iterator[str]:
    """PgBouncer in front of the server that `dsn` names, with two sessions per role. The address through it."""
    path = find_pgbouncer()
    assert path, f"No PgBouncer found. Install it: {INSTALL_PGBOUNCER}"
    given, account, port = conninfo_to_dict(dsn), ordinary_account(), _free_port()
    with throwaway(account) as home:
        server = make_conninfo(host=given["host"], port=given.get("port"))
        options = {"listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_type": "trust"}
        options |= {"auth_file": home / "users", "pool_mode": mode, "default_pool_size": 2, **settings}
        (home / "users").write_text(f'"{given["user"]}" ""\n')
        lines = [f"{name} = {value}" for name, value in options.items()]
        (home / "pgbouncer.ini").write_text("\n".join(["[databases]", f"* = {server}", "[pgbouncer]", *lines]))
        command = [path, str(home / "pgbouncer.ini")]
        process = Process(Command("pgbouncer", command, home / "pgbouncer.log", account=account))
        process.start()
        try:
            process.wait_until(lambda: _answers(port), 10)
            yield make_conninfo(dsn, host="127.0.0.1", port=port)
        finally:
            process.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
