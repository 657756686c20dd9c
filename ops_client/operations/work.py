"""What is said of a piece of work when it is queued or begins, and what its holder is told when it has lost it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ops_client.errors import InvalidInput, OpsError

DEAD_AFTER_SECONDS = 60
SHORTEST_SECONDS = 15
LONGEST_ID = 200
_KIND = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class OperationLost(OpsError):
    """The operation is not this worker's any more: an operator, or a later start, has taken it. Stop the work.

    `status` and `version` say how it stands now; nothing that this worker still says of it is written.
    """

    def __init__(self, kind: str, operation_id: str, status: str, version: int) -> None:
        what = f"{kind} {operation_id}"
        super().__init__("operation_lost", f"{what} is {status} by now (version {version}): it is not ours any more.")
        self.kind = kind
        self.operation_id = operation_id
        self.status = status
        self.version = version


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work by kind and id. `expected_seconds` is how long it usually takes, None if nobody knows."""

    kind: str
    operation_id: str
    owner_id: str | None = None
    title: str = ""
    tier: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    providers: Sequence[str] = ()
    expected_seconds: float | None = None
    dead_after_seconds: int = DEAD_AFTER_SECONDS

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise InvalidInput("kind", "is 1 to 60 letters, digits, dots, dashes and underscores")
        if not self.operation_id or len(self.operation_id) > LONGEST_ID or "\0" in self.operation_id:
            raise InvalidInput("operation_id", f"is a text of 1 to {LONGEST_ID} characters")
        _check_payload(self.payload)
        if self.expected_seconds is not None and self.expected_seconds <= 0:
            raise InvalidInput("expected_seconds", "is a number of seconds above 0, or None")
        if self.dead_after_seconds < SHORTEST_SECONDS:
            raise InvalidInput("dead_after_seconds", f"is at least {SHORTEST_SECONDS}: a heartbeat comes every 5 s")

    def said(self, service: str) -> dict[str, Any]:
        """As the contract takes it."""
        return {
            **asdict(self),
            "payload": dict(self.payload),
            "providers": list(self.providers),
            "service": service[:100],
        }


def _check_payload(payload: Mapping[str, Any]) -> None:
    """PostgreSQL's JSON takes no NaN and no NUL, and nothing that JSON does not know."""
    try:
        text = json.dumps(dict(payload), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput("payload", f"is what JSON can hold: {error}") from error
    if "\\u0000" in text:
        raise InvalidInput("payload", "holds a NUL character, which PostgreSQL does not keep")
