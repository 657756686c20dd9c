"""Commands for a backend to carry out on an operation, and how it rejects them."""

import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops_client.errors import OpsError


class Claim:
    """A process's claim on one command: a token of its own, and a lease that is prolonged while the handler runs."""

    def __init__(self, until: float = math.inf, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.token = uuid.uuid4()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until = until
        self._is_taken = False

    @property
    def is_lost(self) -> bool:
        """Whether another process has the command, or may have it by now. By this process's clock, without a query."""
        return self._is_taken or self._monotonic() >= self._until

    def prolong(self, until: float) -> None:
        """The database has confirmed the claim until then (monotonic seconds)."""
        with self._lock:
            self._until = max(self._until, until)

    def lose(self) -> None:
        """The database has refused the claim: the command was given to another process, or taken back."""
        self._is_taken = True


@dataclass(frozen=True, slots=True)
class RetryCommand:
    """Do the work of one operation again, under the same id.

    `version` is the fencing token: whatever still works under an older one must not write any more, and a command
    that comes a second time carries the same one. `attempt` counts the retries of this operation, this one included.
    `lost` turns True when another process may have the command: stop, for what this handler reports is refused then.
    """

    operation_id: str
    version: int
    attempt: int
    payload: Mapping[str, Any]
    reason: str
    claim: Claim = field(default_factory=Claim, repr=False, compare=False)

    @property
    def lost(self) -> bool:
        """Whether another process has the command, or may have it by now."""
        return self.claim.is_lost


@dataclass(frozen=True, slots=True)
class FreeCommand:
    """Free what an operation that has failed left behind: files, uploads, chunks. Already gone is freed.

    `resources` is what its source knows of them, and its owner's id; `version` and `lost` as in `RetryCommand`.
    """

    operation_id: str
    version: int
    resources: Mapping[str, Any]
    reason: str
    claim: Claim = field(default_factory=Claim, repr=False, compare=False)

    @property
    def lost(self) -> bool:
        """Whether another process has the command, or may have it by now."""
        return self.claim.is_lost


class CommandRejected(OpsError):
    """Raised by a handler that cannot do it, now or later; the console shows the message and does not ask again.

    `field` names what is missing or wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__("command_rejected", message)
        self.field = field


RetryHandler = Callable[[RetryCommand], object]
FreeHandler = Callable[[FreeCommand], object]
Handler = Callable[[Any], object]
