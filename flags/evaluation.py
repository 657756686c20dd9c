"""The console's own use of flags: waffle's questions, answered by ops_client's evaluator from the contract's row."""

import json
import os
from collections.abc import Iterable
from typing import Any

import waffle.models
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from waffle import get_setting

from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.evaluate import evaluate
from ops_client.flags.rules import FlagDefinition, Segment, definition_from_row, segments_from_rows


def is_active(name: str, context: dict[str, Any]) -> bool:
    """The answer a backend would give. An undefined or archived flag answers OPS_FLAG_<NAME>, else waffle's default."""
    default = EnvironmentDefaults(os.environ).answer(name, context, bool(get_setting("FLAG_DEFAULT")))
    known = definitions(name)
    if name not in known:
        if level := get_setting("LOG_MISSING_FLAGS"):
            waffle.models.logger.log(level, "Flag %s not found", name)
        return default
    named = segments_named_by(known.values())
    return evaluate(known[name], context, timezone.now(), segments(named) if named else {}, default, known)


def is_active_in_request(name: str, request: HttpRequest | None) -> bool:
    """waffle's question of a request. Without one, nobody asks.

    Where waffle's `WAFFLE_OVERRIDE` is set, a parameter with the flag's name settles it. A flag under test is off in a
    request that says so; what a parameter or header says is remembered for waffle's middleware, which sets the cookie.
    """
    if request is None:
        return is_active(name, context_of_user(AnonymousUser()))
    override, test = _override(request, name), _test(request, name)
    # Only a request that names the flag costs this query.
    row = next(iter(flag_rows([name])), None) if (override, test) != (None, None) else None
    if row is not None and override is not None:
        return override
    if row is not None and test is not None and _may_be_tested(row):
        if not _is_by_cookie(request, name):
            request.waffle_tests = {**getattr(request, "waffle_tests", {}), name: test}  # type: ignore[attr-defined]
        if not test:
            return False
    return is_active(name, context_of_request(request, name))


def definitions(*names: str) -> dict[str, FlagDefinition]:
    """Flags as the contract shows them to backends, and all that they depend on; a query a generation."""
    found: dict[str, FlagDefinition] = {}
    asked = set(names)
    while asked:
        newer = [definition_from_row(row) for row in flag_rows(asked)]
        found |= {each.name: each for each in newer}
        asked = {parent.flag for each in newer for parent in each.prerequisites} - found.keys()
        if not newer:
            break
    return found


def segments_named_by(flags: Iterable[FlagDefinition]) -> set[str]:
    """The segments that rules of these flags name."""
    return {segment for each in flags for rule in each.rules for segment in rule.segments}


def flag_rows(names: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of the contract's view of flags, in one query."""
    return _documents("SELECT to_jsonb(f) FROM ops_v1.flag f WHERE f.name = ANY(%s)", [list(names)])


def segments(names: Iterable[str]) -> dict[str, Segment]:
    """Segments by name, in one query."""
    rows = _documents("SELECT to_jsonb(s) FROM ops_v1.segment s WHERE s.name = ANY(%s)", [list(names)])
    return {segment.name: segment for segment in segments_from_rows(rows)}


def _documents(statement: str, params: list[Any]) -> list[dict[str, Any]]:
    """Rows as one JSON document each: of a plain row, Django would leave JSON columns as text."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [json.loads(document) for (document,) in cursor.fetchall()]


def context_of_user(user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """The attributes by which waffle's audience fields choose."""
    return {
        "user_id": str(user.pk) if user.pk else None,
        "authenticated": user.is_authenticated,
        "staff": getattr(user, "is_staff", False),
        "superuser": getattr(user, "is_superuser", False),
        "groups": list(Group.objects.filter(user=user.pk).values_list("name", flat=True)) if user.pk else [],
    }


def context_of_request(request: HttpRequest, name: str) -> dict[str, Any]:
    """The user's attributes, the language, and whether this flag is under test in the request (waffle's `dwft_`)."""
    return {
        **context_of_user(getattr(request, "user", None) or AnonymousUser()),
        "language": getattr(request, "LANGUAGE_CODE", None),
        "testing": [name] if _test(request, name) else [],
    }


def _override(request: HttpRequest, name: str) -> bool | None:
    if not get_setting("OVERRIDE") or name not in request.GET:
        return None
    return request.GET[name] == "1"


def _test(request: HttpRequest, name: str) -> bool | None:
    """What a request says of a flag under test: the parameter, else the header, else the cookie; None: nothing."""
    key = _test_key(name)
    if key in request.GET:
        return request.GET[key] == "1"
    if _header(key) in request.headers:
        return request.headers[_header(key)] == "1"
    return request.COOKIES[key] == "True" if key in request.COOKIES else None


def _is_by_cookie(request: HttpRequest, name: str) -> bool:
    key = _test_key(name)
    return key not in request.GET and _header(key) not in request.headers


def _test_key(name: str) -> str:
    return str(get_setting("TEST_COOKIE")) % name


def _header(key: str) -> str:
    return key.replace("_", "-")


def _may_be_tested(row: dict[str, Any]) -> bool:
    return bool(row["testing"]) and row["everyone"] is None and not row["archived"]
