"""PostgreSQL and Valkey together, started and stopped in order."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded import places
from embedded.account import Account, ordinary_account
from embedded.binaries import find_binaries
from embedded.postgres import Postgres
from embedded.valkey import Valkey


@dataclass(frozen=True)
class Servers:
    """Both running servers."""

    postgres: Postgres
    valkey: Valkey

    def environment(self, role: str = "postgres", database: str = "podcast") -> dict[str, str]:
        """The variables by which everything else finds them.

        The second role takes server and database from DATABASE_URL, also where a test names a database of its own.
        """
        return {
            "DATABASE_URL": self.postgres.url(role, database),
            "FOREIGN_DATABASE_URL": "postgres://ops_foreign@/",
            "REDIS_URL": self.valkey.url,
        }


@contextmanager
def running(home: Path, log: Path, account: Account) -> Iterator[Servers]:
    """Run both on the data below `home` and stop them at the end. Raises StartError."""
    binaries = find_binaries(account)
    with ExitStack() as stack:
        account.own(home)
        sockets = stack.enter_context(places.socket_directory(home, account))
        postgres = Postgres(binaries.postgres, home / "postgres", sockets, log / "postgres.log", account)
        valkey = Valkey(binaries.valkey, home / "valkey", sockets, log / "valkey.log", account)
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.start()
        yield Servers(postgres, valkey)


@contextmanager
def throwaway_servers() -> Iterator[Servers]:
    """Servers of one's own with nothing in them, gone with their data afterwards. Raises StartError."""
    account = ordinary_account()
    with places.throwaway(account) as home, running(home, home / "log", account) as servers:
        yield servers
