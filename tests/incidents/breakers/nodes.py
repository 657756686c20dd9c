"""Processes of a backend as breakers see them, each told when to read and when to publish."""

import os
from datetime import UTC, datetime
from typing import Any

from ops_client.breaker.breaker import Breaker
from ops_client.breaker.client import BreakerClient
from ops_client.breaker.machine import BreakerConfig
from ops_client.clock import SystemClock
from ops_client.errors import StoreUnavailable
from ops_client.part import Runtime
from ops_client.store import PostgresStore, Row
from ops_client.testing import FakeClock

TWO = BreakerConfig.consecutive(2, open_seconds=60)


class CuttableStore(PostgresStore):
    """The real store, and a way to cut it off."""

    away = False

    def fetch(self, name: str, **params: Any) -> list[Row]:
        self._require()
        return super().fetch(name, **params)

    def execute(self, name: str, **params: Any) -> int:
        self._require()
        return super().execute(name, **params)

    def _require(self) -> None:
        if self.away:
            raise StoreUnavailable("cut off by the test")


class Node:
    """One process: a store of its own, an instance id, and one breaker. Nothing runs in the background."""

    def __init__(self, dsn: str, config: BreakerConfig = TWO, clock: FakeClock | None = None) -> None:
        self.store = CuttableStore(dsn, pool_size=2)
        self.runtime = Runtime("podcast-api", clock or SystemClock(), self.store, lambda: None)
        self.client = BreakerClient(self.runtime)
        self.breaker: Breaker = self.client.register("gemini", config)
        self.alive()

    def alive(self) -> None:
        """Report this process as living."""
        self.store.execute(
            "report_instance",
            id=self.runtime.instance_id,
            service="podcast-api",
            host="test",
            pid=os.getpid(),
            version="1",
            client_version="1",
            revision=1,
            token=0,
            snapshot_source="database",
            problems="[]",
            started_at=datetime.now(UTC),
            flag_defaults={},
            dropped={},
            has_session=False,
        )

    def publish(self) -> None:
        """Tell the database what is new, at once."""
        self.client._publisher._publish_at = 0.0
        self.client._publisher._away_until = 0.0
        self.client._publisher.tick()

    def read(self) -> None:
        """Read the shared state, as after a notification."""
        self.client.apply(self.store.snapshot(self.client.statements), 1)

    def fail(self, times: int = 2) -> None:
        """Make calls that fail."""
        for _ in range(times):
            try:
                self.breaker.call(_boom)
            except ZeroDivisionError:
                continue

    def close(self) -> None:
        self.store.close()


def _boom() -> None:
    raise ZeroDivisionError
