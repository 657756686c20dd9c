"""One use of a resource, as it is asked and as the database answered."""

from dataclasses import dataclass, replace

from ops_client.errors import InvalidInput
from ops_client.quotas.decide import WARN_RATES, Decision, Kind, LimitInForce, Source, decide_level, valid_cost
from ops_client.store import Row
from ops_client.text import require_storable

LONGEST_USER_ID = 200
# A place comes back when its holder is done, which nobody knows: ask again after a little.
PLACE_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Use:
    """`cost` of `resource` for a user of `tier`; the kind is what the caller's verb is for.

    `cost` None is what the resource says that one call takes.
    """

    kind: Kind
    resource: str
    user_id: str
    tier: str | None
    cost: int | None = 1


def valid_use(kind: Kind, resource: str, user_id: object, tier: str | None, cost: int | None = 1) -> Use:
    """Raises InvalidInput naming the argument that cannot be right."""
    user = str(user_id)
    if not 0 < len(user) <= LONGEST_USER_ID or user_id is None:
        raise InvalidInput("user_id", f"is 1 to {LONGEST_USER_ID} characters that name a user")
    for name, text in (("user_id", user), ("resource", resource), ("tier", tier or "")):
        if not isinstance(text, str):
            raise InvalidInput(name, "is text")
        require_storable(name, text)
    return Use(kind, resource, user, tier, None if cost is None else valid_cost(cost))


def decision_of(row: Row, use: Use, warn_rates: tuple[float, float] = WARN_RATES) -> Decision:
    """What the database decided, with what is left and when to come again. In shadow everything is allowed."""
    decision = _rate(row, use, warn_rates) if use.kind is Kind.RATE else _level(row, use, warn_rates)
    return replace(decision, allowed=True, retryable=False) if row["shadow"] else decision


def in_force(row: Row) -> LimitInForce:
    """The limit that the database went by."""
    return LimitInForce(row["limit_value"], Source(row["source"]), row["policy"])


def used_with(row: Row, use: Use) -> int:
    """What the user has used with this use, whether it passed or not; permits that were leased beside it are not."""
    if use.kind is Kind.RATE:
        return int(row["used"]) - int(row.get("granted", 0)) + (0 if row["allowed"] else int(row["cost"]))
    return int(row["used"]) + int(row["cost"])


def _rate(row: Row, use: Use, warn_rates: tuple[float, float]) -> Decision:
    limit = row["limit_value"]
    return Decision(
        allowed=row["allowed"],
        resource=use.resource,
        kind=Kind.RATE,
        limit=limit,
        remaining=None if limit is None else max(0, limit - row["used"] + row.get("granted", 0)),
        source=Source(row["source"]),
        policy=row["policy"],
        reset_seconds=row["reset_seconds"],
        retry_after_seconds=row["retry_seconds"],
        retryable=not row["allowed"] and row["cost"] <= limit,
        window_seconds=row["window_seconds"],
        warn_rates=warn_rates,
    )


def _level(row: Row, use: Use, warn_rates: tuple[float, float]) -> Decision:
    reset = PLACE_RETRY_SECONDS if use.kind is Kind.CONCURRENCY else row.get("reset_seconds", 0.0)
    decision = decide_level(use.resource, use.kind, in_force(row), row["used"], row["cost"], reset)
    return replace(decision, warn_rates=warn_rates)
