"""Valkey on a private Unix socket."""

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from embedded.account import Account
from embedded.process import Command, Process

START_SECONDS = 10


@dataclass
class Valkey:
    """One server with its socket in `sockets`. It keeps nothing: what must last is in PostgreSQL."""

    binary: Path
    data: Path
    sockets: Path
    log: Path
    account: Account

    def __post_init__(self) -> None:
        self.socket = self.sockets / "valkey.sock"
        self.process = Process(
            Command(
                name="valkey",
                arguments=[str(self.binary), *self._settings()],
                log=self.log,
                environment=dict(os.environ),
                directory=self.sockets,
                account=self.account,
                stop_signal=signal.SIGINT,
            )
        )

    @property
    def url(self) -> str:
        """The REDIS_URL."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises StartError."""
        self.account.own(self.data)
        self.socket.unlink(missing_ok=True)
        self.process.start()
        self.process.wait_until(self.answers, START_SECONDS)

    def stop(self) -> None:
        self.process.stop()

    def answers(self) -> bool:
        """Whether it answers a ping now."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
        except OSError:
            return False

    def _settings(self) -> list[str]:
        return [
            *("--port", "0"),
            *("--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(self.data)),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--daemonize", "no"),
        ]
