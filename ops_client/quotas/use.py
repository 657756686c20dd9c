"""One use of a resource, as it is asked and as the database answered."""

from dataclasses import dataclass, replace

from ops_client.errors import InvalidInput
from ops_client.quotas.decide import Decision, Kind, LimitInForce, Source, decide_level, valid_cost
from ops_client.quotas.ring import Ring, free_in
from ops_client.store import Row

LONGEST_USER_ID = 200
# A place comes back when its holder is done, which nobody knows: ask again after a little.
PLACE_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Use:
    """`cost` of `resource` for a user of `tier`; the kind is what the caller's verb is for."""

    kind: Kind
    resource: str
    user_id: str
    tier: str | None
    cost: int = 1


def valid_use(kind: Kind, resource: str, user_id: object, tier: str | None, cost: int = 1) -> Use:
    """Raises InvalidInput naming the argument that cannot be right."""
    user = str(user_id)
    if not 0 < len(user) <= LONGEST_USER_ID or "\0" in user or user_id is None:
        raise InvalidInput("user_id", f"is 1 to {LONGEST_USER_ID} characters that name a user")
    for name, text in (("user_id", user), ("resource", resource), ("tier", tier or "")):
        if "\0" in text or not _is_text(text):
            raise InvalidInput(name, "holds a character that no name has")
    return Use(kind, resource, user, tier, valid_cost(cost))


def _is_text(text: str) -> bool:
    # Any JSON can carry half a surrogate pair; no database keeps one.
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def decision_of(row: Row, use: Use) -> Decision:
    """What the database decided, with what is left and when to come again. In shadow everything is allowed."""
    decision = _rate(row, use) if use.kind is Kind.RATE else _level(row, use)
    return replace(decision, allowed=True, retryable=False) if row["shadow"] else decision


def in_force(row: Row) -> LimitInForce:
    """The limit that the database went by."""
    return LimitInForce(row["limit_value"], Source(row["source"]), row["policy"])


def _rate(row: Row, use: Use) -> Decision:
    ring = Ring(row["newest"], tuple(row["counts"]))
    limit, window, now = row["limit_value"], row["window_seconds"], row["now_seconds"]
    used = sum(ring.counts)
    missing = 0 if row["allowed"] else used + use.cost - limit
    return Decision(
        allowed=row["allowed"],
        resource=use.resource,
        kind=Kind.RATE,
        limit=limit,
        remaining=None if limit is None else max(0, limit - used),
        source=Source(row["source"]),
        policy=row["policy"],
        reset_seconds=free_in(ring, 1, now, window),
        retry_after_seconds=free_in(ring, missing, now, window),
        retryable=not row["allowed"] and use.cost <= limit,
        window_seconds=window,
    )


def _level(row: Row, use: Use) -> Decision:
    reset = PLACE_RETRY_SECONDS if use.kind is Kind.CONCURRENCY else row.get("reset_seconds", 0.0)
    return decide_level(use.resource, use.kind, in_force(row), row["used"], use.cost, reset)
