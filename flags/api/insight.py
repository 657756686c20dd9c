"""What is known of a flag: how often it is asked for, why it answers so, what a change would do, who changed it."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Schema

from flags import effects, queries, usage
from flags.api.routers import flags_router
from flags.api.shapes import FlagFields, sent
from flags.models import EVERYONE, State
from flags.why import known_context, why
from ops_console.api_base import Asked, Input, Listed, Paging, Truth, listed, needs
from ops_console.audit.api import EntryOut
from ops_console.audit.queries import ORDER, entries

read = needs("flags:read")


class UsageFilter(Asked):
    by: Literal["variant", "service", "result"] = "variant"
    days: int = Field(7, ge=1, le=90)


class FlagUsageOut(Schema):
    """Counts a step, oldest first: an hour a step up to 7 days, a day beyond; one line a variant or service."""

    starts: list[datetime]
    step_seconds: int
    lines: dict[str, list[int]]
    total: int


class FlagWhyIn(Input):
    model_config = {"json_schema_extra": {"example": {"context": {"user_id": "17", "tier": "pro"}}}}

    context: dict[str, Any] = Field({}, description="As a backend passes it: user_id, tier, any field that rules use.")
    user: str = Field("", max_length=200, description="A user's id: what is known of them goes under the context.")
    default: Truth = Field(False, description="What the code answers where no such flag is in force.")


class VariantOut(Schema):
    name: str
    enabled: bool
    payload: dict[str, str] | None
    feature_enabled: bool


class FlagWhyOut(Schema):
    """The answer, why, and each thing that was asked; lines is the same for a terminal."""

    flag: str
    answer: bool
    variant: VariantOut
    reason: str
    sentence: str
    checks: list[dict[str, Any]]
    lines: list[str]
    context: dict[str, Any] = Field(description="What was asked with.")


class FlagPreviewIn(FlagFields):
    """A change as PATCH takes it, or a state; nothing is changed."""

    model_config = {"json_schema_extra": {"example": {"percent": 50}}}

    state: State | None = None


class FlagEffectOut(Schema):
    """How many of the users seen in the last day would change sides."""

    seen: int
    turned_on: int
    turned_off: int
    other_variant: int
    words: str


@flags_router.get("/flags/{named:name}/usage", auth=read, response=FlagUsageOut)
def flag_usage(request: HttpRequest, name: str, wanted: Query[UsageFilter]) -> Any:
    """How often it was asked for, by variant, service or answer; a name that nobody defined has usage too."""
    series = usage.series(name, wanted.by, wanted.days)
    step_seconds = int(series.step.total_seconds())
    return {"starts": series.starts, "step_seconds": step_seconds, "lines": series.lines, "total": series.total}


@flags_router.get("/flags/{named:name}/history", auth=read, response=Listed[EntryOut])
def flag_history(request: HttpRequest, name: str, wanted: Query[Paging]) -> Any:
    """Every change of it, the newest first."""
    found = entries({"target_type": "flag", "target_id": str(queries.flag_named(name).pk)})
    return listed(request, ORDER, found, wanted)


@flags_router.post("/flags/{named:name}/why", auth=read, response=FlagWhyOut)
def flag_why(request: HttpRequest, name: str, body: FlagWhyIn) -> Any:
    """What it answers for a context, and why. Works for a name that nobody has defined, and counts as no question."""
    context = {**(known_context(body.user) if body.user else {}), **body.context}
    found = why(name, context, body.default)
    return {**found.as_dict(), "lines": found.lines(), "context": context}


@flags_router.post("/flags/{named:name}/preview", auth=read, response=FlagEffectOut)
def flag_preview(request: HttpRequest, name: str, body: FlagPreviewIn) -> Any:
    """What a change would do to the users seen in the last day, without making it."""
    values = sent(body, "state")
    if body.state is not None:
        values["everyone"] = EVERYONE[body.state]
    return effects.of_change(queries.flag_named(name), values)
