"""The console's own use of flags: waffle's questions, answered by ops_client's evaluator from the contract's row."""

import json
import os
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone, translation
from waffle import get_setting

from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.evaluate import evaluate
from ops_client.flags.rules import FlagDefinition, Segment, definition_from_row, segments_from_rows


def is_active(name: str, context: dict[str, Any]) -> bool:
    """The answer a backend would give. An undefined or archived flag answers OPS_FLAG_<NAME>, else waffle's default."""
    default = EnvironmentDefaults(os.environ).answer(name, context, bool(get_setting("FLAG_DEFAULT")))
    known = definitions(name)
    if name not in known:
        return default
    named = segments_named_by(known.values())
    return evaluate(known[name], context, timezone.now(), segments(named) if named else {}, default, known)


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
        "language": getattr(request, "LANGUAGE_CODE", translation.get_language()),
        "testing": [name] if _is_tested(request, name) else [],
    }


def _is_tested(request: HttpRequest, name: str) -> bool:
    key = str(get_setting("TEST_COOKIE")) % name
    return request.GET.get(key) == "1" or request.COOKIES.get(key) == "True"
