"""What the API of flags takes and answers. Types only: what a flag may hold is the services' to say."""

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr

from flags.models import Flag, Kind, State
from flags.staleness import reasons
from ops_console.api_base import Input, Moment, Number, Truth, Whole

Documents = list[dict[str, Any]]
Values = list[StrictStr | StrictInt | StrictFloat | StrictBool]


class ConstraintIn(Input):
    """One test of one field of the context."""

    field: str = Field(
        description="user_id, tier, any field that backends pass; current_time is now where it is absent."
    )
    operator: str = Field(description="IN, NOT_IN, STR_CONTAINS, NUM_GT, DATE_AFTER, SEMVER_GT, REGEX, CIDR, ...")
    values: Values = []
    inverted: Truth = False
    case_insensitive: Truth = False
    strict: Truth = Field(False, description="Versions and times in their standard's spelling only, as in Unleash.")


class PayloadIn(Input):
    type: Literal["string", "json", "number", "csv"]
    value: str


class VariantOverrideIn(Input):
    field: str
    values: Values


class VariantIn(Input):
    """Weights are relative; an override that matches comes before them."""

    name: str
    weight: Whole = Field(0, ge=0, le=1000)
    payload: PayloadIn | None = None
    stickiness: str = "default"
    overrides: list[VariantOverrideIn] = []


class RuleIn(Input):
    """Lets a context in when all constraints and segments hold and its bucket is below the percentage."""

    name: str = ""
    constraints: list[ConstraintIn] = []
    segments: list[str] = []
    percent: Number = Field(100, ge=0, le=100)
    stickiness: str = Field("user_id", description="user_id, session_id, any field, default or random.")
    group: str | None = None
    normaliser: Literal["murmur3_10000", "unleash"] = "murmur3_10000"
    variants: list[VariantIn] = []


class PrerequisiteIn(Input):
    flag: str
    state: Literal["on", "off"] = "on"
    variants: list[str] = []


class FlagFields(Input):
    """What of a flag can be edited; what is left out stays as it is."""

    percent: Number | None = Field(None, ge=0, le=100, description="0 to 100 in steps of 0.01, by user_id.")
    rules: list[RuleIn] = Field([], description="The flag is on if any of them lets a context in.")
    variants: list[VariantIn] = []
    prerequisites: list[PrerequisiteIn] = Field([], description="All of them must hold.")
    on_at: Moment | None = Field(None, description="Off before this moment.")
    off_at: Moment | None = Field(None, description="Off from this moment on.")
    kind: Kind = Kind.RELEASE
    tags: list[str] = []
    owner: str = ""
    note: str = ""
    superusers: Truth = False
    staff: Truth = False
    authenticated: Truth = False
    testing: Truth = False
    languages: str = ""
    protected: Truth = Field(False, description="A change asks for a reason and the typed name, except to turn it off.")
    permanent: Truth = Field(False, description="Meant to stay: never called stale.")
    expires_at: Moment | None = Field(None, description="When it should be gone from the code.")
    runbook_url: str = ""


class Confirmed(Input):
    """Why, for the audit; a protected flag asks for the reason and for its own name, typed."""

    reason: str = ""
    typed_name: str = ""


class FlagNew(FlagFields):
    model_config = {"json_schema_extra": {"example": {"name": "new_player", "state": "rules", "percent": 5}}}

    name: str = Field(description="1 to 100 characters, as the code asks for it.")
    state: State = State.OFF
    reason: str = ""


class FlagEdit(FlagFields, Confirmed):
    model_config = {"json_schema_extra": {"example": {"percent": 25, "reason": "a quiet week"}}}


class FlagStateIn(Confirmed):
    """off is off for everyone, rules goes by the flag's rules, on is on for everyone."""

    model_config = {"json_schema_extra": {"example": {"state": "off", "reason": "errors on checkout"}}}

    state: State


class FlagOut(Schema):
    """A flag as operators keep it. stale says why it could go, and is empty where it should stay."""

    name: str
    state: State
    pending: str | None = Field(None, description="A change of its state that waits for a lock.")
    percent: float | None
    rules: Documents
    variants: Documents
    prerequisites: Documents
    on_at: datetime | None
    off_at: datetime | None
    kind: str
    tags: list[str]
    owner: str
    note: str
    superusers: bool
    staff: bool
    authenticated: bool
    testing: bool
    languages: str
    protected: bool
    permanent: bool
    expires_at: datetime | None
    runbook_url: str
    archived_at: datetime | None
    created: datetime
    modified: datetime
    version: int
    stale: list[str]

    @staticmethod
    def resolve_stale(flag: Flag) -> list[str]:
        return reasons(flag)


class SegmentNew(Input):
    model_config = {
        "json_schema_extra": {
            "example": {"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}
        }
    }

    name: str = Field(description="1 to 100 characters, as rules name it.")
    note: str = ""
    constraints: list[ConstraintIn] = Field([], description="All of them must hold.")
    reason: str = ""


class SegmentEdit(Confirmed):
    """What is left out stays as it is."""

    note: str = ""
    constraints: list[ConstraintIn] = []


class SegmentOut(Schema):
    """A named set of constraints; flags is how many in force use it."""

    name: str
    note: str
    constraints: Documents
    version: int
    flags: int


def sent(body: Input, *besides: str) -> dict[str, Any]:
    """The fields that a body holds, as columns keep them."""
    return body.model_dump(exclude_unset=True, exclude={"reason", "typed_name", *besides})
