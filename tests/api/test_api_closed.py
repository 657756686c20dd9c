"""Every operation of the JSON API is closed to who may not: everybody calls all, and the table says what they hear."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from ops_console.access.roles import Role
from ops_console.access.scopes import SCOPES
from ops_console.api.v1 import api
from tests.api.api_answers import ANSWERS
from tests.api.calling import calling
from tests.people import signed_in

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Call:
    """An operation, its method and a path that leads to it."""

    name: str
    method: str
    path: str


def calls() -> list[Call]:
    """Every operation, also those that the OpenAPI document leaves out."""
    return [
        Call(api.get_openapi_operation_id(operation), method, "/api/v1" + filled(path))
        for path, operation in api.operations()
        for method in operation.methods
    ]


def filled(path: str) -> str:
    samples = {"int": "999999", "uuidstr": "00000000-0000-4000-8000-000000000000"}
    return re.sub(
        r"\{(?:(int|uuidstr|named|str|path):)?\w+\}", lambda found: samples.get(found[1] or "", "nothing"), path
    )


ALL = calls()
EACH = pytest.mark.parametrize("call", ALL, ids=lambda call: f"{call.method} {call.path}")


def test_every_operation_has_its_entry_and_every_entry_its_operation() -> None:
    """A new operation without an entry fails, and so does an entry whose operation is gone."""
    assert {call.name for call in ALL} == set(ANSWERS)


@EACH
def test_no_token_hears_401(call: Call) -> None:
    """Without a token, with a session, and with a wrong token nothing is told but that a token is needed."""
    wrong = Client(headers={"Authorization": "Bearer opsc_000000000000_" + "x" * 43})
    for client in (Client(), signed_in(Role.ADMIN), wrong):
        answer = heard(client, call)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert "Bearer" in answer.headers["WWW-Authenticate"]


@EACH
def test_another_scope_hears_403(call: Call) -> None:
    """A token with every scope but the operation's own is refused, an admin's too."""
    needed, _ = ANSWERS[call.name]
    if needed:
        answer = heard(calling(Role.ADMIN, [scope for scope in SCOPES if scope != needed]), call)
        assert (answer.status_code, needed in answer.json()["detail"]) == (403, True)


@EACH
def test_roles_hear_what_the_table_says(call: Call) -> None:
    """Viewer, operator and admin with the right scope hear what stands in tests/api/api_answers.py."""
    needed, expected = ANSWERS[call.name]
    scopes = [needed] if needed else []
    found = " ".join(str(heard(calling(role, scopes), call).status_code) for role in Role)
    assert found == expected


def heard(client: Client, call: Call) -> Any:
    body = {} if call.method == "GET" else {"data": "{}", "content_type": "application/json"}
    return getattr(client, call.method.lower())(call.path, **body)
