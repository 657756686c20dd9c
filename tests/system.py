"""The whole system as `dev.py demo` starts it, on data and ports of its own, for tests that look from outside."""

import json
import socket
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from embedded import paths
from embedded.servers import Servers
from embedded.supervisor import Supervisor
from embedded.tasks.demo import started

UNDO_BULK_SECONDS = 2
BACKGROUND = ("worker", "beat")


@dataclass
class System:
    """Where it is, and its servers, which a test may stop and start again."""

    console_url: str
    backend_url: str
    servers: Servers
    supervisor: Supervisor
    passwords: dict[str, str]

    def look(self) -> None:
        """Start again what has ended, as `dev.py demo` does all the time."""
        self.supervisor.look()

    def logs(self) -> str:
        """The ends of the background programs' logs, for who must find out why a test failed."""
        return "\n".join(process.log_tail(60) for process in self.supervisor.started if process.name in BACKGROUND)

    def ask(self, path: str, **params: str) -> Any:
        """What the demo backend answers, as JSON."""
        return httpx.get(self.backend_url + path, params=params, timeout=10).json()

    def call_provider(self, name: str) -> int:
        """Call a fake provider through the demo backend; the status of the answer."""
        return httpx.post(f"{self.backend_url}/providers/{name}", timeout=20).status_code

    def turn_faults(self, **dials: dict[str, Any]) -> None:
        """Set providers' faults: `gemini={"error_rate": 1}`."""
        httpx.post(self.backend_url + "/faults", json=dials, timeout=10).raise_for_status()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows as the superuser sees them."""
        with psycopg.connect(self.servers.postgres.url(), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def signed_in(self, name: str) -> httpx.Client:
        """A client with a session of `viewer`, `operator` or `admin`, signed in by the form."""
        client = httpx.Client(base_url=self.console_url, timeout=20, follow_redirects=True)
        page = client.get("/accounts/login/")
        assert page.status_code == 200
        form = {"login": name, "password": self.passwords[name], "csrfmiddlewaretoken": token_of(page.text)}
        answer = client.post("/accounts/login/", data=form, headers={"Referer": self.console_url})
        assert answer.status_code == 200, answer.text[:500]
        return client


def token_of(page: str) -> str:
    """The CSRF token of the first form on a page."""
    return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


@contextmanager
def running_system(home: Path) -> Iterator[System]:
    """Start everything but the traffic; stop it at the end. A bulk's Undo time is short, so that tests are."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(paths, "LOCAL", home)
        patch.setattr(paths, "LOG", home / "log")
        patch.setattr(paths, "SIGN_INS", home / "sign-ins.json")
        patch.setattr(paths, "SHELLS", home / "shell")
        arguments = Namespace(port=free_port(), backend_port=free_port(), no_traffic=True, reset=False)
        with _settings():
            supervisor, surroundings = stack.enter_context(started(arguments))
        passwords = sign_ins(home / "sign-ins.json")
        yield System(surroundings.console_url, surroundings.backend_url, surroundings.servers, supervisor, passwords)


@contextmanager
def _settings() -> Iterator[None]:
    """The environment in which the programs start; the tests' own comes back when they have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDO_BULK_SECONDS", str(UNDO_BULK_SECONDS))
        patch.setenv("UNDO_SECONDS", "1")
        for name in ("DATABASE_URL", "REDIS_URL"):
            patch.delenv(name, raising=False)
        yield


def sign_ins(path: Path) -> dict[str, str]:
    """Name to password, as the demo keeps them."""
    return {entry["username"]: entry["password"] for entry in json.loads(path.read_text())}


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
