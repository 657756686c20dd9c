"""What the quota operations of the JSON API take and answer."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from ops_client.quotas.decide import LARGEST_LIMIT
from ops_console.api_base import Asked as Query
from ops_console.api_base import Input, Truth, Whole
from quotas.bulk import Asked, Done
from quotas.bulk.table import MOST_ROWS
from quotas.models import Override
from quotas.queries import Explained, Limited, TierRow
from quotas.services import LONGEST_REASON
from quotas.settings_services import EDITABLE

_LIMIT = "null is no limit, where the resource may have none."
_ENDS = "With its time zone; null is never."


class UserFilter(Query):
    """Who is looked for."""

    q: str = Field(min_length=1, max_length=200, description="An id, or a part of a mail or a name.")


class OverrideOut(Schema):
    """A user's own limit."""

    user_id: str
    resource: str
    limit: int | None
    expires_at: datetime | None
    reason: str
    created_by: str
    version: int


class LimitOut(Schema):
    """One resource of a user. `source` says what decided: override, tier, default or unlimited."""

    resource: str
    kind: str
    unit: str
    limit: int | None
    used: int
    source: str
    policy: str
    window_seconds: int | None
    resets_at: datetime | None
    override: OverrideOut | None


class UserOut(Schema):
    """A user of the backend with their limits."""

    id: str
    email: str
    name: str
    tier: str
    limits: list[LimitOut]


class OverrideIn(Input):
    limit: int | None = Field(description=_LIMIT)
    expires_at: datetime | None = Field(description=_ENDS)
    reason: str = Field(max_length=LONGEST_REASON)


class ReasonIn(Input):
    reason: str = Field("", max_length=LONGEST_REASON)


class ResetOut(Schema):
    forgotten: int


class RowIn(Input):
    """A row as a table would hold it: `limit` may be relative (`+50%`), `unlimited`, or `remove`."""

    user: str = Field(max_length=300, description="An id or a mail.")
    resource: str = Field(max_length=63)
    limit: str = Field(max_length=40)
    expires_at: str = Field("", max_length=40, description="ISO 8601, `never`, or empty for 7 days.")
    reason: str = Field("", max_length=LONGEST_REASON)


class ImportIn(Input):
    rows: list[RowIn] = Field(min_length=1, max_length=MOST_ROWS)
    reason: str = Field("", max_length=LONGEST_REASON, description="For rows without one.")
    dry_run: bool = False

    def asked(self) -> list[Asked]:
        return [Asked(number, **row.model_dump()) for number, row in enumerate(self.rows, 1)]


class RowOut(Schema):
    row: int
    user: str
    resource: str
    outcome: str
    before: str
    after: str
    message: str


class DoneOut(Schema):
    """Counts by outcome, and each row with its own."""

    counts: dict[str, int]
    rows: list[RowOut]


class ResourceOut(Schema):
    name: str
    kind: str
    title: str
    unit: str
    window_seconds: int | None
    period: str
    timezone: str
    ttl_seconds: int
    default_limit: int | None
    allow_unlimited: bool
    shadow: bool
    cost: int
    warn_percent: int
    nearly_percent: int
    failure_policy: str
    deadline_ms: int
    version: int


class ResourceEdit(Input):
    """Fields that are left out stay as they are."""

    title: str = Field("", max_length=100)
    unit: str = Field("", max_length=20, description="What is counted: calls, bytes, episodes.")
    window_seconds: Whole | None = Field(None, description="Of a rate: any this many seconds.")
    period: str = Field("", description="Of an allowance: day, week, month or year.")
    timezone: str = Field("UTC", description="Where an allowance's period begins.")
    ttl_seconds: Whole = Field(300, description="A slot or reservation that is not kept alive ends after this long.")
    default_limit: Whole | None = Field(None, description="For tiers without a policy.")
    allow_unlimited: Truth = Field(False, description="Tiers and overrides may have no limit at all.")
    shadow: Truth = Field(False, description="Decide and record, but refuse nobody.")
    cost: Whole = Field(1, description="What one call takes where the backend does not say.")
    warn_percent: Whole = Field(80, description="From this share of the limit on, a user is near it.")
    nearly_percent: Whole = Field(95, description="From this share on, it is nearly used up.")
    failure_policy: str = Field("open", description="While the database cannot answer: open, closed, or local (rates).")
    deadline_ms: Whole = Field(2000, description="How long a call waits for the database.")
    reason: str = Field("", max_length=LONGEST_REASON)

    def values(self) -> dict[str, Any]:
        """The settings that were sent, as services take them."""
        return self.model_dump(exclude_unset=True, include=set(EDITABLE))


class ResourceNew(ResourceEdit):
    """`name` and `kind` never change: backends call a resource by them."""

    name: str = Field(max_length=63)
    kind: str = Field(description="rate, concurrency, storage or allowance.")
    title: str = Field(max_length=100)
    unit: str = Field(max_length=20, description="What is counted: calls, bytes, episodes.")


class PolicyIn(Input):
    limit: int | None = Field(description=_LIMIT)


class PolicyOut(Schema):
    """`trial_limit` is recorded and not enforced."""

    tier: str
    resource: str = Field(alias="resource_id")
    limit: int | None
    trial_limit: int | None
    version: int


class TierLimitOut(Schema):
    """`version` is the policy's, 0 where the resource's default holds."""

    resource: str
    limit: int | None
    is_default: bool
    trial_limit: int | None
    version: int


class TierOut(Schema):
    """`in_directory`: a user may have it; otherwise only a policy names it."""

    tier: str
    in_directory: bool
    limits: list[TierLimitOut]


class EffectFilter(Query):
    limit: int = Field(ge=0, le=LARGEST_LIMIT, description="The limit to be tried.")
    hours: int = Field(24, ge=1, le=24 * 7)


class HighestOut(Schema):
    user_id: str
    peak: int


class EffectOut(Schema):
    """How many of the users that asked would have been refused, and who by most."""

    users: int
    asked: int
    worst: list[HighestOut]


class RefusalOut(Schema):
    """Like refusals of some minutes: from `first_at` to `at`, with the last one's call."""

    first_at: datetime
    at: datetime
    resource: str
    route: str
    key: str
    client: str
    request_id: str
    service: str
    limit: int | None
    source: str
    policy: str
    shadow: bool
    count: int
    tight_loop: bool
    sentence: str


class RecountIn(Input):
    correct: bool = False


class RecountOut(Schema):
    """Open until `finished_at`; then how many were measured and how many differ."""

    id: int
    resource: str
    user_id: str
    correct: bool
    requested_at: datetime
    finished_at: datetime | None
    measured: int
    drifted: int
    error: str


def override_out(override: Override) -> dict[str, Any]:
    """An override as the API shows it."""
    names = ("user_id", "limit", "expires_at", "reason", "created_by", "version")
    return {"resource": override.resource_id, **{name: getattr(override, name) for name in names}}


def user_out(found: Limited) -> dict[str, Any]:
    """A user as the API shows them."""
    person = found.person
    limits = [
        {
            "resource": each.resource.name,
            "kind": each.resource.kind,
            "unit": each.resource.unit,
            "limit": each.usage.limit,
            "used": each.usage.used,
            "source": each.usage.source,
            "policy": each.usage.policy,
            "window_seconds": each.usage.window_seconds,
            "resets_at": each.usage.resets_at,
            "override": override_out(each.override) if each.override else None,
        }
        for each in found.limits
    ]
    return {"id": person.id, "email": person.email, "name": person.name, "tier": person.tier, "limits": limits}


def tier_out(row: TierRow) -> dict[str, Any]:
    """A tier as the API shows it."""
    limits = [
        {
            "resource": cell.resource.name,
            "limit": cell.limit,
            "is_default": cell.policy is None,
            "trial_limit": cell.policy.trial_limit if cell.policy else None,
            "version": cell.policy.version if cell.policy else 0,
        }
        for cell in row.cells
    ]
    return {"tier": row.tier, "in_directory": row.in_directory, "limits": limits}


def refusal_out(explained: Explained) -> dict[str, Any]:
    """A refusal with what people would say of it."""
    told = {"tight_loop": explained.is_tight_loop, "sentence": explained.sentence}
    return {name: getattr(explained.refusal, name) for name in RefusalOut.model_fields if name not in told} | told


def done_out(done: Done) -> dict[str, Any]:
    """What came of a table, or would."""
    rows = [
        {
            "row": each.asked.line,
            "user": each.person.id if each.person else each.asked.user,
            "resource": each.asked.resource,
            "outcome": each.outcome,
            "before": each.before,
            "after": each.after,
            "message": each.message,
        }
        for each in done.rows
    ]
    return {"counts": done.counts, "rows": rows}
