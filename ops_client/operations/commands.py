"""What a backend is told to do with an operation, and how it says no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ops_client.errors import OpsError


@dataclass(frozen=True, slots=True)
class RetryCommand:
    """Do the work of one operation again, under the same id.

    `version` is the fencing token: whatever still works under an older one must not write any more, and a command
    that comes a second time carries the same one. `attempt` counts the retries of this operation, this one included.
    """

    operation_id: str
    version: int
    attempt: int
    payload: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class FreeCommand:
    """Free what an operation that has failed left behind: files, uploads, chunks. Already gone is freed.

    `resources` is what its source knows of them, and its owner's id; `version` as in `RetryCommand`.
    """

    operation_id: str
    version: int
    resources: Mapping[str, Any]
    reason: str


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
