"""`client.breakers`: the breakers of this process by name, kept in step with the shared state."""

import logging
import re
import threading

from ops_client.background import Job
from ops_client.breaker import classify
from ops_client.breaker.breaker import Breaker
from ops_client.breaker.machine import BreakerConfig
from ops_client.breaker.publish import Publisher
from ops_client.breaker.shared import shared_from_row
from ops_client.errors import InvalidInput, NotFound
from ops_client.part import Part, Runtime
from ops_client.store import Row

logger = logging.getLogger("ops_client")
TICK_SECONDS = 0.25
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


class BreakerClient(Part):
    """Registers breakers and hands them out. An unregistered name is an error, never another breaker."""

    statements = ("breakers",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._breakers: dict[str, Breaker] = {}
        self._rows: dict[str, Row] = {}
        self._read_at = (runtime.clock.now(), runtime.clock.monotonic())
        self._lock = threading.Lock()
        self._problems: list[dict[str, str]] = []
        self._publisher = Publisher(runtime, self.registered)

    def get(self, name: str) -> Breaker:
        """The breaker registered under this name. Raises NotFound."""
        try:
            return self._breakers[name]
        except KeyError:
            raise NotFound("breaker", name) from None

    def register(
        self,
        name: str,
        config: BreakerConfig,
        *,
        is_failure: classify.IsFailure = classify.is_failure,
        is_failed_answer: classify.IsFailedAnswer = classify.is_failed_answer,
    ) -> Breaker:
        """Make a breaker, or return the one of this name with the same settings. Raises InvalidInput."""
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", "up to 100 of a-z, 0-9, dot, dash and underscore; it names the provider")
        with self._lock:
            known = self._breakers.get(name)
            if known is None:
                known = Breaker(
                    name,
                    config,
                    monotonic=self.runtime.clock.monotonic,
                    wake=self._wake_aside,
                    is_failure=is_failure,
                    is_failed_answer=is_failed_answer,
                )
                self._breakers = {**self._breakers, name: known}
                self._follow(known)
        if known.config != config:
            raise InvalidInput("config", f"the breaker {name} is already registered with other settings")
        return known

    def registered(self) -> dict[str, Breaker]:
        """All breakers of this process, by name."""
        return self._breakers

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        rows = {row["name"]: row for row in tables.get("breakers", [])}
        with self._lock:
            self._rows = rows
            self._read_at = (self.runtime.clock.now(), self.runtime.clock.monotonic())
            self._problems = []
            for name, breaker in self._breakers.items():
                if name not in rows:
                    self._publisher.forget_registration(name)
                self._follow(breaker)

    def problems(self) -> list[dict[str, str]]:
        return self._problems

    def dropped(self) -> dict[str, int]:
        return {"breaker_reports": self._publisher.dropped}

    def jobs(self) -> list[Job]:
        return [
            Job("breakers", TICK_SECONDS, self._publisher.tick),
            Job("breakers at close", float("inf"), self._publisher.publish, at_close=True),
        ]

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._publisher = Publisher(self.runtime, self.registered)
        for breaker in self._breakers.values():
            breaker.forget_parent()

    def _follow(self, breaker: Breaker) -> None:
        row = self._rows.get(breaker.name)
        if row is None:
            return
        try:
            shared = shared_from_row(row, breaker.config, *self._read_at)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            self._problems = [*self._problems, {"breaker": breaker.name, "message": f"its row is unreadable: {error}"}]
            return
        breaker.follow(shared)

    def _wake_aside(self) -> None:
        # The first load asks the database; a caller of a provider does not wait for it.
        try:
            threading.Thread(target=self.runtime.wake, name="ops-wake", daemon=True).start()
        except RuntimeError as error:
            # No thread is left in this process. The call goes on; the next use of the client tries again.
            logger.error("ops_client: the client is not started yet: %s", error)
