"""PostgreSQL on a private Unix socket."""

import os
import shutil
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from embedded.account import Account
from embedded.errors import StartError
from embedded.leftovers import end_leftover_server
from embedded.process import Command, Process

SUPERUSER = "postgres"
START_SECONDS = 30
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
)
# Nothing waits for the disk. What is committed still outlives a kill -9, since commits are written before they return.
WITHOUT_DISK_WAITS = ("fsync=off", "full_page_writes=off")
PROTOCOL_3_0 = 196608


@dataclass
class Postgres:
    """One cluster: data in `data`, socket in `sockets`. It trades safety in a power cut for speed."""

    binaries: Path
    data: Path
    sockets: Path
    log: Path
    account: Account

    def __post_init__(self) -> None:
        self.process = Process(
            Command(
                name="postgres",
                arguments=[str(self.binaries / "postgres"), "-D", str(self.data), *self._settings()],
                log=self.log,
                environment=plain_environment(),
                directory=self.sockets,
                account=self.account,
                stop_signal=signal.SIGINT,
                stop_seconds=20,
            )
        )

    def start(self) -> None:
        """Make the cluster if there is none, start it, and wait until it answers. Raises StartError."""
        self._initialise()
        self._check_version()
        self._clear_leftovers()
        self.process.start()
        self.process.wait_until(self.answers, START_SECONDS)

    def stop(self) -> None:
        self.process.stop()

    def answers(self) -> bool:
        """Whether it takes connections now."""
        return answers(self.sockets / ".s.PGSQL.5432")

    def url(self, role: str = SUPERUSER, database: str = "podcast") -> str:
        """A role's DATABASE_URL, in the one form that django-environ and libpq both read the same way."""
        return f"postgres://{role}@/{database}?host={self.sockets}"

    def _settings(self) -> list[str]:
        settings = [
            "listen_addresses=",
            f'unix_socket_directories="{self.sockets}"',
            "unix_socket_permissions=0700",
            "max_connections=200",
            "timezone=UTC",
            "log_timezone=UTC",
            "jit=off",
            *WITHOUT_DISK_WAITS,
        ]
        return [part for setting in settings for part in ("-c", setting)]

    def _initialise(self) -> None:
        """Made beside its place and then moved there, so that a killed start leaves no half of a cluster."""
        if (self.data / "PG_VERSION").exists():
            return
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(
            [str(self.binaries / "initdb"), "-D", str(unfinished), *INITDB_OPTIONS],
            env=plain_environment(),
            cwd=self.sockets,
            capture_output=True,
            text=True,
            check=False,
            **self.account.popen_options(),
        )
        if made.returncode != 0:
            raise StartError(f"initdb could not make a cluster in {self.data}:\n{made.stdout}{made.stderr}")
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        written = (self.data / "PG_VERSION").read_text().strip()
        ours = major_version(self.binaries / "postgres")
        if ours != written:
            raise StartError(
                f"{self.data} was written by PostgreSQL {written}, and {self.binaries} is PostgreSQL {ours}. "
                "Set PG_BIN_DIR to the older one, or start anew with --reset (which deletes the data)."
            )

    def _clear_leftovers(self) -> None:
        """Only the holder of the data's home comes here, so whoever is still in it has been left behind."""
        end_leftover_server(self.data)
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)


def plain_environment() -> dict[str, str]:
    """The environment without PG* variables, which would change what the server does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8"}


def major_version(program: Path) -> str:
    """As PG_VERSION has it, from `postgres (PostgreSQL) 17.10 ...`."""
    answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[2].split(".")[0]


def answers(path: Path) -> bool:
    """Speak PostgreSQL's first message to a socket; True once it lets us in rather than 'is starting up'."""
    body = struct.pack("!i", PROTOCOL_3_0) + f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(struct.pack("!i", len(body) + 4) + body)
            return connection.recv(1) == b"R"
    except OSError:
        return False
