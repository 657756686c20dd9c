"""The OpenAPI document and the page that is made of it."""

import re

import pytest

from ops_console.access.roles import Role
from ops_console.api.reference import parts
from ops_console.api.v1 import api
from ops_console.api_base import schema
from ops_console.api_base.schema import Document
from tests.api.calling import calling
from tests.people import signed_in

pytestmark = pytest.mark.django_db


def test_the_document_tells_every_operation_whole() -> None:
    """Each operation has a unique id, a summary, its scope, a schema for its good answer, and problems."""
    document = calling().get("/api/v1/openapi.json").json()
    told = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in told]
    assert len(names) == len(set(names)) == len([op for _, op in api.operations() if op.include_in_schema])
    for operation in told:
        assert operation["description"] and operation["security"] == [{"token": [operation["x-scope"]]}]
        for status, answer in operation["responses"].items():
            kind = "application/problem+json" if int(status) >= 400 else "application/json"
            assert status == "204" or "schema" in answer["content"][kind]


def test_the_document_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading it again, as a program's document or as the page, makes no schema anew."""
    api.get_openapi_schema()
    monkeypatch.setattr(schema, "Document", None)
    assert calling().get("/api/v1/openapi.json").status_code == 200
    assert signed_in(Role.VIEWER).get("/api/v1/docs").status_code == 200


def test_if_match_is_required_where_it_always_is() -> None:
    """The document asks If-Match of an edit, and lets it be left out where turning off needs none."""
    paths = api.get_openapi_schema()["paths"]
    asked = {
        action: parameter["required"]
        for action, told in (("edit", "/api/v1/flags/{name}"), ("state", "/api/v1/flags/{name}/state"))
        for parameter in paths[told]["patch" if action == "edit" else "post"]["parameters"]
        if parameter["name"] == "If-Match"
    }
    assert asked == {"edit": True, "state": False}


def test_no_two_parts_call_different_things_the_same() -> None:
    """Each schema's name means one thing in the whole API: name yours after its part. A clash would be seen."""
    document = Document(api, "api/v1")
    assert document.clashes == set()
    document.add_schema_definitions({"FlagOut": {"type": "object"}})
    assert document.clashes == {"FlagOut"}


def test_every_reference_of_the_document_is_there() -> None:
    """No schema is named that the document does not hold."""
    text = calling().get("/api/v1/openapi.json").content.decode()
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named <= set(calling().get("/api/v1/openapi.json").json()["components"]["schemas"])


def test_the_page_shows_every_operation_with_a_line_to_copy() -> None:
    """Whoever is signed in finds each operation with scope and call by curl, and can take the document along."""
    client = signed_in(Role.VIEWER)
    body = client.get("/api/v1/docs").content.decode()
    for operations in parts(api.get_openapi_schema(), "http://testserver").values():
        for operation in operations:
            assert f'id="{operation.name}"' in body and operation.scope in body
            assert "curl -sS" in operation.curl and operation.path in operation.curl.replace("'", "")
    assert client.get("/api/v1/docs?format=openapi").json()["openapi"].startswith("3.1")
