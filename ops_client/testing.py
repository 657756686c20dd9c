"""What users of the client need to test their own code without waiting and without a database."""

import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ops_client.client import OpsClient
from ops_client.errors import StoreUnavailable
from ops_client.store import Row

# The database's answers to a backend that is the only one to track its work.
_ALONE: dict[str, list[Row]] = {
    "operation_queue": [{"is_new": True}],
    "operation_start": [{"held": True, "version": 0, "attempt": 1, "status": "running", "resources": []}],
    "operation_resources": [{"held": True}],
    "operation_finish": [{"held": True, "version": 0, "status": "succeeded"}],
}


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


def client_with_flags(*flags: Row) -> OpsClient:
    """A client that answers from these rows (`flag_row`) and needs no database; close it when the test is done.

    `is_enabled`, `variant` and `explain` work as in production. `set_flags` changes them in the middle of a test.
    """
    return OpsClient(
        "", service="test", store=MemoryStore({"flags": list(flags)}), poll_seconds=0.05, snapshot_path=None
    )


def flag_row(name: str, *, everyone: bool | None = None, **columns: Any) -> Row:
    """A flag as the contract has it: `flag_row("player", everyone=True)`, or `rules`, `percent`, `variants`, ..."""
    return {"name": name, "everyone": everyone, **columns}


def set_flags(client: OpsClient, *flags: Row) -> None:
    """Put these flags in force in place of all others, at once."""
    revision = client.flags.snapshot.revision + 1
    client.flags.apply({"flags": list(flags), "segments": []}, revision)


class MemoryStore:
    """A store without a database. `tables` holds rows by statement name; `set_tables` is a commit of new configuration.

    With `away` set, every question raises StoreUnavailable, as when the database is gone.
    """

    def __init__(self, tables: Mapping[str, list[Row]] | None = None) -> None:
        self.tables: dict[str, list[Row]] = dict(tables or {})
        self.revision = 1
        self.token = 0
        self.away = False
        self.executed: list[tuple[str, dict[str, Any]]] = []
        self._changed = threading.Event()

    def set_tables(self, **tables: list[Row]) -> None:
        """Replace the rows of some statements and raise the revision."""
        self.tables.update(tables)
        self.revision += 1
        self._changed.set()

    def fetch(self, name: str, *, within_seconds: float | None = None, **params: Any) -> list[Row]:
        self._require()
        if name == "revision":
            return [self._current()]
        self.executed.append((name, params))
        return self.tables.get(name, _ALONE.get(name, []))

    def execute(self, name: str, **params: Any) -> int:
        self._require()
        self.executed.append((name, params))
        return 1

    def snapshot(self, names: Iterable[str]) -> dict[str, list[Row]]:
        self._require()
        return {name: [self._current()] if name == "revision" else list(self.tables.get(name, [])) for name in names}

    def wait_for_revision(self, timeout_seconds: float) -> bool:
        self._require()
        heard = self._changed.wait(timeout_seconds)
        self._changed.clear()
        return heard

    def listen_anew(self) -> None:
        """Nothing listens."""

    def identify(self, instance_id: uuid.UUID) -> None:
        """No session is held."""

    @property
    def has_session(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to close."""

    def _current(self) -> Row:
        return {"revision": self.revision, "token": self.token}

    def _require(self) -> None:
        if self.away:
            raise StoreUnavailable("This store was told to be away.")
