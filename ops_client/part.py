"""What the parts of the client share: the runtime that they stand on, and what each of them may offer it."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ops_client.background import Job
from ops_client.clock import Clock
from ops_client.store import Row, Store
from ops_client.threads import ThreadSupervisor


@dataclass
class Runtime:
    """One process's connection to the shared database. A child process after a fork gets a store and an id of its own.

    `wake` starts the client if it is not running; a part calls it before its first use of anything shared.
    """

    service: str
    clock: Clock
    store: Store
    wake: Callable[[], object]
    instance_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime | None = None
    threads: ThreadSupervisor = field(default_factory=ThreadSupervisor)


class Part:
    """A component of the client. The defaults are those of one without configuration and without background work."""

    # Named statements whose rows this part needs; read together, in one snapshot, at every new revision.
    statements: Sequence[str] = ()

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        """Swap in new configuration. Never raises on odd rows: it goes on with what it understood."""

    def standing(self, source: str, reachable: bool) -> None:
        """Called after each poll, with the source of the configuration in force and whether the database answered."""

    def problems(self) -> list[dict[str, str]]:
        """What the newest configuration holds that this version cannot follow; the console shows it."""
        return []

    def dropped(self) -> dict[str, int]:
        """What had to be given up instead of being written, by kind, since the process began; the console shows it."""
        return {}

    def jobs(self) -> list[Job]:
        """Reports and flushes to run in the background."""
        return []

    def started(self) -> None:
        """The client runs: the moment to start a thread of one's own."""

    def closing(self) -> None:
        """The client closes: end that thread."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent process: locks it may have held, counts it will report itself."""
