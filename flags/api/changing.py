"""Changes of flags. Each answers the flag as it is then, with its new version as ETag."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema, Status

from flags import queries, services
from flags.api.routers import flags_router
from flags.api.shapes import Confirmed, FlagEdit, FlagNew, FlagOut, FlagStateIn, sent
from flags.models import Flag, State
from ops_console.api_base import IfMatch, Input, MaybeIfMatch, Whole, caller, expected, needs, path_of, tagged
from ops_console.audit.queries import entry
from ops_console.audit.revert import revert
from ops_console.errors import InvalidInput
from ops_console.pending_changes.models import PendingChange

write = needs("flags:write")


class FlagCopyIn(Input):
    name: str = Field(description="The new flag's.")
    reason: str = ""


class FlagRevertIn(Confirmed):
    """entry is the id of the change to take back, out of the flag's history."""

    model_config = {"json_schema_extra": {"example": {"entry": 1}}}

    entry: Whole = Field(ge=1, le=2**63 - 1)


@flags_router.post("/flags", auth=write, response={201: FlagOut})
def flag_create(request: HttpRequest, response: HttpResponse, body: FlagNew) -> Any:
    """Define a flag; off for everyone unless told otherwise."""
    values = sent(body, "name", "state")
    flag = services.create(caller(request), body.name, values, body.state, body.reason)
    response.headers["Location"] = path_of("/flags/{}", flag.name)
    return _answer(response, flag)


@flags_router.post("/flags/{named:name}/copy", auth=write, response={201: FlagOut})
def flag_copy(request: HttpRequest, response: HttpResponse, name: str, body: FlagCopyIn) -> Any:
    """Define another flag that says the same, off for everyone."""
    flag = services.copy(caller(request), queries.flag_named(name).pk, body.name, body.reason)
    response.headers["Location"] = path_of("/flags/{}", flag.name)
    return _answer(response, flag)


class PendingOut(Schema):
    """A change that another database session holds up: the console retries it until it is done or refused."""

    summary: str
    requested_at: datetime
    message: str = Field(alias="text")


@flags_router.post("/flags/{named:name}/state", auth=write, response={200: FlagOut, 202: PendingOut})
def flag_state(
    request: HttpRequest, response: HttpResponse, name: str, body: FlagStateIn, if_match: MaybeIfMatch = None
) -> Any:
    """Off, by its rules, or on for everyone. Turning off needs no If-Match: a kill switch waits for nobody.

    202: another database session holds it up; it is retried, and the flag carries it as pending until then.
    """
    version = None if body.state == State.OFF else expected(if_match or "")
    flag = queries.flag_named(name)
    switched = services.switch(caller(request), flag, body.state, body.reason, body.typed_name, version)
    return Status(202, switched) if isinstance(switched, PendingChange) else _answer(response, switched)


@flags_router.post("/flags/{named:name}/archive", auth=write, response=FlagOut)
def flag_archive(
    request: HttpRequest, response: HttpResponse, name: str, body: Confirmed, if_match: IfMatch = ""
) -> Any:
    """Take a flag out of force: it answers what an undefined one does."""
    return _put(services.archive, request, response, name, body, if_match)


@flags_router.post("/flags/{named:name}/restore", auth=write, response=FlagOut)
def flag_restore(
    request: HttpRequest, response: HttpResponse, name: str, body: Confirmed, if_match: IfMatch = ""
) -> Any:
    """Bring an archived flag back as it was."""
    return _put(services.restore, request, response, name, body, if_match)


@flags_router.post("/flags/{named:name}/revert", auth=write, response=FlagOut)
def flag_revert(request: HttpRequest, response: HttpResponse, name: str, body: FlagRevertIn) -> Any:
    """Take one change back as a new change; 409 where what it changed has been changed since."""
    flag_id = queries.flag_named(name).pk
    found = entry(body.entry)
    if (found.target_type, found.target_id) != ("flag", str(flag_id)):
        raise InvalidInput("entry", f"Entry {body.entry} is not a change of {name}.")
    revert(caller(request), body.entry, body.reason, body.typed_name)
    return _answer(response, queries.flag(flag_id))


@flags_router.patch("/flags/{named:name}", auth=write, response=FlagOut)
def flag_edit(request: HttpRequest, response: HttpResponse, name: str, body: FlagEdit, if_match: IfMatch = "") -> Any:
    """Change what the body names; what it leaves out stays as it is."""
    version = expected(if_match)
    flag = queries.flag_named(name)
    values = sent(body)
    edited = services.edit(
        caller(request), flag.pk, values, flag.version if version is None else version, body.reason, body.typed_name
    )
    return _answer(response, edited)


def _put(
    act: Callable[..., Flag], request: HttpRequest, response: HttpResponse, name: str, body: Confirmed, if_match: str
) -> Flag:
    version = expected(if_match)
    flag_id = queries.flag_named(name).pk
    return _answer(response, act(caller(request), flag_id, body.reason, body.typed_name, version))


def _answer(response: HttpResponse, changed: Flag) -> Flag:
    flag = queries.flag(changed.pk)
    tagged(response, flag.version)
    return flag
