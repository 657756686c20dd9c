"""What a limit is and whether it lets a request through. Pure: usage and time in, a decision out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ops_client.errors import InvalidInput

LARGEST_LIMIT = 2**53
# Where a resource does not say: from these shares of the limit on, its users are warned.
WARN_RATES = (0.8, 0.95)


class Kind(StrEnum):
    RATE = "rate"
    CONCURRENCY = "concurrency"
    STORAGE = "storage"
    ALLOWANCE = "allowance"


class Source(StrEnum):
    """Which of them decided."""

    OVERRIDE = "override"
    TIER = "tier"
    DEFAULT = "default"
    UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit with a name; `limit` None is no limit, `expires_at` None is for good."""

    name: str
    limit: int | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LimitInForce:
    limit: int | None
    source: Source
    policy: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer; it feeds the headers, the problem body and the console's "why was I limited".

    `limit` and `remaining` None: no limit. `reset_seconds` is when some of what is used comes back;
    `retry_after_seconds` when this same request can pass, and it means something only where `retryable`.
    """

    allowed: bool
    resource: str
    kind: Kind
    limit: int | None
    remaining: int | None
    source: Source
    policy: str
    reset_seconds: float = 0.0
    retry_after_seconds: float = 0.0
    retryable: bool = False
    window_seconds: int | None = None
    warn_rates: tuple[float, float] = WARN_RATES
    unit: str = ""

    @property
    def warning(self) -> str:
        """'' while there is room, then 'near', 'nearly', and 'full' at the limit."""
        if self.limit is None or self.remaining is None:
            return ""
        return warning_of(1 - self.remaining / self.limit if self.limit else 1.0, self.warn_rates)


def warning_of(used_rate: float, warn_rates: tuple[float, float]) -> str:
    """What a share that is used deserves: '' below the first rate, 'near', from the second 'nearly', 'full' from 1."""
    near, nearly = warn_rates
    return "full" if used_rate >= 1 else "nearly" if used_rate >= nearly else "near" if used_rate >= near else ""


def limit_in_force(
    now: datetime,
    override: Policy | None = None,
    tier: Policy | None = None,
    default: Policy | None = None,
    unlimited: bool = False,
) -> LimitInForce:
    """The user's override while it lasts, else the tier's policy, else the default.

    With none of them there is no limit where the resource says `unlimited`; elsewhere nothing passes.
    """
    for policy, source in ((override, Source.OVERRIDE), (tier, Source.TIER), (default, Source.DEFAULT)):
        if policy is not None and (policy.expires_at is None or now < policy.expires_at):
            return LimitInForce(policy.limit, source, policy.name)
    if unlimited:
        return LimitInForce(None, Source.UNLIMITED, "unlimited")
    return LimitInForce(0, Source.DEFAULT, "nothing set")


def decide_level(
    resource: str,
    kind: Kind,
    in_force: LimitInForce,
    used: int,
    cost: int,
    reset_seconds: float = 0.0,
    retry_after_seconds: float = 0.0,
) -> Decision:
    """Storage, slots and allowances: does `cost` more fit over what is `used`?

    A storage refusal is not retryable, since waiting frees nothing; nor is a cost above the whole limit.
    """
    limit = in_force.limit
    allowed = limit is None or used + cost <= limit
    waiting_helps = limit is not None and cost <= limit and kind is not Kind.STORAGE
    return Decision(
        allowed=allowed,
        resource=resource,
        kind=kind,
        limit=limit,
        remaining=None if limit is None else max(0, limit - used - (cost if allowed else 0)),
        source=in_force.source,
        policy=in_force.policy,
        reset_seconds=reset_seconds,
        retry_after_seconds=0.0 if allowed else max(retry_after_seconds, reset_seconds),
        retryable=not allowed and waiting_helps,
    )


def decide_together(decisions: Sequence[Decision]) -> Decision:
    """Several resources, all or nothing: the refusal that lasts longest, else what is nearest its limit."""
    refused = [each for each in decisions if not each.allowed]
    if refused:
        return max(refused, key=lambda each: (not each.retryable, each.retry_after_seconds))
    return min(decisions, key=_share_left)


def valid_limit(value: object) -> int:
    """A limit that a person typed. Raises InvalidInput unless it is a whole number from 0 to 2^53."""
    try:
        limit = int(str(value))
    except ValueError:
        limit = -1
    if isinstance(value, bool) or not 0 <= limit <= LARGEST_LIMIT:
        raise InvalidInput("limit", f"is a whole number from 0 to {LARGEST_LIMIT:,}")
    return limit


def valid_cost(value: object, field: str = "cost", least: int = 1) -> int:
    """What one request takes. Raises InvalidInput unless it is a whole number from `least` to 2^53."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_LIMIT:
        raise InvalidInput(field, f"is a whole number from {least} to {LARGEST_LIMIT:,}")
    return value


def _share_left(decision: Decision) -> float:
    if decision.limit is None or decision.remaining is None:
        return 1.0
    return decision.remaining / decision.limit if decision.limit else 0.0
