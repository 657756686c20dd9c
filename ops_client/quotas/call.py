"""On whose behalf something is used: what a refusal is remembered with."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the backend: its route template, what it is limited by, and who sent it."""

    route: str = ""
    key: str = ""
    client: str = ""
    request_id: str = ""


# Set by the middleware; threads of asyncio and of the quotas carry it along.
current_call: ContextVar[Call] = ContextVar("ops_quota_call", default=Call())  # noqa: B039 - Call is frozen
