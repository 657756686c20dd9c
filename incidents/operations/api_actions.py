"""Acting on operations over the JSON API: the same intents, dry runs and steps as the pages and the shell."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from incidents.operations import services
from incidents.operations.preview import MOST_JUDGED_FOR_PROGRAMS, preview
from incidents.operations.progress import (
    ACTIONS,
    DEAD_LETTERS,
    Progress,
    action_progress,
    actions,
    dead_letters,
    progress,
    reasons,
)
from incidents.operations.scope import Scope
from ops_console.api_base import Input, Listed, Moment, Number, Paging, Truth, Whole, caller, listed, needs
from ops_console.errors import InvalidInput
from ops_console.web import Keyset
from ops_console.web.tabs import query_url

router = Router(tags=["Operations"])
Verb = Literal["retry", "fail", "resolve", "snooze", "release", "free"]
_ONE = "/operation-actions/{int:action_id}"


class ActIn(Input):
    """Which operations, by `ids` or as `all` of a state; what to do; and how. A dry run only counts."""

    verb: Verb
    kind: str = Field(max_length=60)
    ids: list[str] = Field([], max_length=1000)
    all: Truth = Field(False, description="All that match; needed to act without ids.")
    state: Literal["stuck", "slow", "waiting", "in_progress", "failed", "any"] = Field(
        "any", description="With ids, whatever state they are in; else say which."
    )
    evidence: Literal["", "dead", "suspected"] = ""
    older_than_seconds: Whole = Field(0, ge=0)
    group: str | None = Field(None, max_length=32, description="An error group.")
    reason: str = ""
    seen_status: str = Field("", max_length=100, description="Of one id: what you saw; another one is a conflict.")
    seen_version: Whole = Field(0, ge=0)
    dry_run: Truth = False
    max: Whole | None = Field(
        None,
        ge=1,
        description="Change at most this many, the longest waiting first; what cannot be acted on does not count.",
    )
    canary: Truth = Field(False, description="Pause after the first ten.")
    rate_per_second: Number | None = Field(None, description="At most so many a second.")
    notify: Truth = Field(False, description="Tell the users of what fails.")
    free: Truth = Field(False, description="Have the backend free what failed ones leave behind.")
    snooze_until: Moment | None = None

    def scope(self) -> Scope:
        """Raises InvalidInput where nothing is chosen."""
        if not self.ids and (not self.all or self.state == "any"):
            raise InvalidInput("ids", "Give ids, or say all with a state.")
        chosen = tuple(self.ids) or None
        return Scope(
            self.kind, self.state, self.older_than_seconds, ids=chosen, evidence=self.evidence, group=self.group
        )

    def seen(self) -> services.Seen:
        """What the caller looked at, of one operation."""
        return {self.ids[0]: (self.seen_status, self.seen_version)} if len(self.ids) == 1 and self.seen_status else {}

    def options(self) -> services.Options:
        return services.Options(self.canary, self.rate_per_second, self.notify, self.free, self.snooze_until, self.max)


class UndoIn(Input):
    reason: str = ""


class RateIn(Input):
    """null is as fast as it goes."""

    rate_per_second: Number | None


class ExpectedOut(Schema):
    """What would happen: `excluded` gives reasons with how many operations each keeps out.

    Of very many, all but `total` is of the first `judged` alone; `more` says that there are more than `total`.
    """

    total: int
    more: bool
    judged: int
    eligible: int
    excluded: dict[str, int]
    statuses: dict[str, int]
    users: int


class ActionOut(Schema):
    """`excepted` gives reasons with how many operations each kept out; filled for one action, not in lists."""

    id: int
    label: str
    verb: str
    kind: str
    state: str
    reason: str
    actor: str
    via: str
    total: int
    changed: int
    finished_meanwhile: int
    locked: int
    ineligible: int
    left: int
    handled: int
    refused: int
    rate_per_second: float | None
    seconds_left: float | None
    takes_back: int | None
    problem: str
    created_at: datetime
    release_at: datetime
    finished_at: datetime | None
    excepted: dict[str, int] = {}


class CommandOut(Schema):
    id: int
    state: str


class DeadLetterOut(Schema):
    """A command that no backend carried out: `number` operations of an action, `handled` of them done before."""

    id: int
    action: int = Field(alias="action_id")
    kind: str
    verb: str
    number: int
    handled: int
    last_error: str
    created_at: datetime


class StartedOut(Schema):
    """One of the two: `expected` of a dry run, else the `action`, which begins at its `release_at`.

    A very large one is `freezing` first, with a total of 0: its `release_at` is known when it is `scheduled`.
    """

    expected: ExpectedOut | None = None
    action: ActionOut | None = None


@router.post("/operation-actions", auth=needs("operations:write"), response=StartedOut)
def operation_act(request: HttpRequest, given: ActIn) -> Any:
    """Retry, fail, mark resolved, snooze, release or free operations; `dry_run` only says what would happen."""
    if given.dry_run:
        return {"expected": _expected(given)}
    action = services.start(caller(request), given.scope(), given.verb, given.reason, given.seen(), given.options())
    return {"action": _out(action_progress(action.pk))}


@router.get("/operation-actions", auth=needs("operations:read"), response=Listed[ActionOut])
def operation_actions(request: HttpRequest, wanted: Query[Paging]) -> Any:
    """Every action, the newest first."""
    found = Keyset(*ACTIONS.keys, size=wanted.limit).page(actions(), wanted.cursor)
    following = request.build_absolute_uri(query_url(request, cursor=found.next)) if found.next else None
    return {"items": [_out(each) for each in progress(found.rows)], "next": following}


@router.get(_ONE, auth=needs("operations:read"), response=ActionOut)
def operation_action(request: HttpRequest, action_id: int) -> Any:
    """One action: how far it is, and why operations were left."""
    return _whole(action_id)


@router.put(_ONE + "/rate", auth=needs("operations:write"), response=ActionOut)
def operation_action_rate(request: HttpRequest, action_id: int, given: RateIn) -> Any:
    """Go faster or slower from now on."""
    return _whole(services.set_rate(caller(request), action_id, given.rate_per_second).pk)


@router.post(_ONE + "/{step}", auth=needs("operations:write"), response=ActionOut)
def operation_action_step(
    request: HttpRequest, action_id: int, step: Literal["pause", "resume", "cancel"], given: Input
) -> Any:
    """Pause, resume or cancel it. Before its release, cancelling is undoing."""
    steps = {"pause": services.pause, "resume": services.resume, "cancel": services.cancel}
    return _whole(steps[step](caller(request), action_id).pk)


@router.post("/operation-action-undos/{int:action_id}", auth=needs("operations:write"), response=ActionOut)
def operation_action_undo(request: HttpRequest, action_id: int, given: UndoIn) -> Any:
    """Take back what an action, or a run of the sweep, has done; answers the action that does so."""
    return _whole(services.take_back(caller(request), action_id, given.reason).pk)


@router.get("/operation-commands", auth=needs("operations:read"), response=Listed[DeadLetterOut])
def operation_commands(request: HttpRequest, wanted: Query[Paging]) -> Any:
    """Dead letters: commands that were given up, the oldest first."""
    return listed(request, DEAD_LETTERS, dead_letters(), wanted)


@router.post("/operation-commands/{int:command_id}/send-again", auth=needs("operations:write"), response=CommandOut)
def operation_command_again(request: HttpRequest, command_id: int, given: Input) -> Any:
    """Queue a dead letter once more."""
    return services.send_again(caller(request), command_id)


def _expected(given: ActIn) -> dict[str, Any]:
    found = preview(given.scope(), given.verb, given.max, MOST_JUDGED_FOR_PROGRAMS)
    return {
        "total": found.total,
        "more": found.is_more,
        "judged": found.judged,
        "eligible": found.eligible,
        "excluded": dict(found.exclusions),
        "statuses": dict(found.statuses),
        "users": found.users,
    }


def _whole(action_id: int) -> dict[str, Any]:
    return _out(action_progress(action_id)) | {
        "excepted": {row["detail"]: row["number"] for row in reasons(action_id)},
    }


def _out(found: Progress) -> dict[str, Any]:
    action = found.action
    names = ("label", "verb", "kind", "state", "reason", "actor", "via", "total", "rate_per_second", "problem")
    times = ("created_at", "release_at", "finished_at")
    counted = ("changed", "finished_meanwhile", "locked", "ineligible", "left", "handled", "refused", "seconds_left")
    return {
        "id": action.pk,
        "takes_back": action.takes_back_id,
        **{name: getattr(action, name) for name in (*names, *times)},
        **{name: getattr(found, name) for name in counted},
    }
