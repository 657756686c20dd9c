"""Why a flag answers as it does: for a user whom a backend has seen, for any fields, or for a context as JSON."""

import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_GET

from flags import evaluation, queries
from flags.editor.fields import STICKINESS
from flags.views.common import flag_part
from flags.why import known_context, unknown_user, why
from ops_client.flags.rules import FlagDefinition, Segment
from ops_client.text import is_storable
from ops_console.errors import InvalidInput

_BLANK_ROWS = 2
_MOST_ROWS = 30
_NO_FIELD = {name for name, _ in STICKINESS if name != "session_id"}


@require_GET
def flag_why(request: HttpRequest, flag_id: int) -> HttpResponse:
    """The question is in the address, so that an answer can be shown to somebody else."""
    flag = queries.flag(flag_id)
    context, problem = _context(request.GET)
    user_id = request.GET.get("user", "").replace("\0", "").strip()
    unknown, meant = unknown_user(user_id)
    asked = bool(request.GET)
    rows = _rows(context, _asked_of(flag.name))
    shown = {
        "user_id": request.GET.get("user", ""),
        "rows": rows,
        "json": request.GET.get("json", ""),
        "problem": problem,
        "unknown": unknown,
        "meant": meant,
        "context": json.dumps(context, indent=1, ensure_ascii=False, default=str),
        "answer": why(flag.name, context) if asked and not problem and not unknown else None,
        "people": queries.people_seen_lately(),
    }
    return flag_part(request, flag, "why", shown, status=422 if problem or unknown else 200)


def _context(asked: QueryDict) -> tuple[dict[str, Any], str]:
    """What is known of the user, then what was typed, then the JSON; and what is wrong with that."""
    user_id = asked.get("user", "").replace("\0", "").strip()
    context = known_context(user_id) if user_id else {}
    pairs = zip(asked.getlist("field"), asked.getlist("value"), strict=False)
    context |= {name.strip(): value.strip() for name, value in pairs if name.strip() and value.strip()}
    try:
        return context | _read_json(asked.get("json", "")), ""
    except InvalidInput as error:
        return context, error.message


def _read_json(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("json", f"This is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidInput("json", 'A context is an object, such as {"user_id": "17", "tier": "pro"}.')
    if not is_storable(found):
        raise InvalidInput("json", "A context holds no NUL, no lone surrogate, no NaN and no more than 100 levels.")
    return found


def _rows(context: dict[str, Any], fields: Iterable[str]) -> list[tuple[str, str]]:
    """The fields that the flag asks about, then others that are known, then empty rows to type into."""
    names = [name for name in dict.fromkeys([*fields, *context]) if name != "user_id"][:_MOST_ROWS]
    return [*((name, _typed(context.get(name))) for name in names), *([("", "")] * _BLANK_ROWS)]


def _typed(value: Any) -> str:
    """A value as a row holds it; what is no plain text or number stays in the JSON."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _asked_of(name: str) -> list[str]:
    """The context fields that the flag, its segments and its parents ask about."""
    known = evaluation.definitions(name)
    segments = evaluation.segments(evaluation.segments_named_by(known.values()))
    found = [field for flag in known.values() for field in _fields(flag, segments)]
    return [field for field in dict.fromkeys(found) if field not in _NO_FIELD]


def _fields(flag: FlagDefinition, segments: dict[str, Segment]) -> Iterable[str]:
    for rule in flag.rules:
        named = [segments[name].constraints for name in rule.segments if name in segments]
        yield from (each.field for constraints in (rule.constraints, *named) for each in constraints)
        yield rule.stickiness
    for variant in (*flag.variants, *(each for rule in flag.rules for each in rule.variants)):
        yield variant.stickiness
        yield from (override.field for override in variant.overrides)
