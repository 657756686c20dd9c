"""What is said of a piece of work when it is queued or begins, and what its holder is told when it has lost it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops_client.errors import InvalidInput, OpsError
from ops_client.text import replace_unstorable, require_storable

DEAD_AFTER_SECONDS = 60
SHORTEST_SECONDS = 15
LONGEST_ID = 200
LONGEST_SECONDS = 365 * 24 * 3600
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
        require_kind(self.kind)
        require_operation_id(self.operation_id)
        _check_payload(self.payload)
        if self.expected_seconds is not None and not 0 < self.expected_seconds <= LONGEST_SECONDS:
            raise InvalidInput("expected_seconds", "is a number of seconds from above 0 to one year, or None")
        if not SHORTEST_SECONDS <= self.dead_after_seconds <= LONGEST_SECONDS:
            raise InvalidInput(
                "dead_after_seconds", f"is {SHORTEST_SECONDS} s to one year: a heartbeat comes every 5 s"
            )

    def said(self, service: str) -> dict[str, Any]:
        """As the contract takes it. What describes the work and cannot be stored is replaced: the work must run."""
        described = {
            "owner_id": self.owner_id,
            "title": self.title,
            "tier": self.tier,
            "payload": self.payload,
            "providers": list(self.providers),
        }
        return {
            "kind": self.kind,
            "operation_id": self.operation_id,
            "expected_seconds": self.expected_seconds,
            "dead_after_seconds": self.dead_after_seconds,
            "service": service,
            **replace_unstorable(described),
        }


def require_kind(kind: str) -> None:
    """Raise InvalidInput unless this can be the kind of an operation."""
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InvalidInput("kind", "is 1 to 60 letters, digits, dots, dashes and underscores")


def require_operation_id(operation_id: str) -> None:
    """Raise InvalidInput unless this can be the id of an operation."""
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= LONGEST_ID:
        raise InvalidInput("operation_id", f"is a text of 1 to {LONGEST_ID} characters")
    require_storable("operation_id", operation_id)


def _check_payload(payload: Mapping[str, Any]) -> None:
    try:
        json.dumps(dict(payload))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("payload", f"is what JSON can hold: {error}") from error
