"""The API as ninja runs it and as its OpenAPI document tells it: behind the door, closed by default, with problems."""

import re
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from ops_client.quotas.http import PROBLEM_TYPE
from ops_console.api_base.door import guarded
from ops_console.api_base.problems import ProblemOut, answer_all
from ops_console.api_base.reading import StrictParser
from ops_console.api_base.scopes import Needs, closed

PREFIX = "/api/v1"
_ENDS_IN_NAME = re.compile(r"<named:\w+>$")
_ALWAYS = (401, 403, 404, 406, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_WITH_VERSION = (409, 412, 428)


class Document(OpenAPISchema):
    """ninja's document; `clashes` are names by which two parts of the console call different schemas."""

    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        self.clashes: set[str] = set()
        super().__init__(api, path_prefix)

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        self.clashes |= {name for name, schema in definitions.items() if self.schemas.get(name, schema) != schema}
        super().add_schema_definitions(definitions)


class ConsoleAPI(NinjaAPI):
    """`add_router("", router)` is all that an app's router needs."""

    def __init__(self, description: str) -> None:
        super().__init__(
            title="Ops Console",
            version="1",
            description=description,
            openapi_url=None,
            docs_url=None,
            urls_namespace="api",
            auth=closed,
            parser=StrictParser(),
        )
        answer_all(self)

    def _get_urls(self) -> list[Any]:
        found: list[URLPattern] = []
        for router in self._get_bound_routers():
            found.extend(router.urls_paths(router.prefix))
        for pattern in found:
            pattern.callback = guarded(pattern.callback)
        # A name may hold slashes: `flags/NAME/why` has to be tried before `flags/NAME`.
        return sorted(found, key=lambda pattern: _ENDS_IN_NAME.search(str(pattern.pattern)) is not None)

    def operations(self) -> list[tuple[str, Operation]]:
        """Every operation with its path below /api/v1."""
        return [
            (f"{router.prefix}{path}", operation)
            for router in self._get_bound_routers()
            for path, view in router.path_operations.items()
            for operation in view.operations
        ]

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **_: Any) -> Any:
        return self._document

    @cached_property
    def _document(self) -> Document:
        """Made once a process, at the first request for it: it takes 100 ms, and the routers do not change."""
        document = Document(self, PREFIX.lstrip("/"))
        components = document["components"]
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "opsc_..."}}
        components["schemas"]["Problem"] = ProblemOut.model_json_schema(mode="serialization")
        needed = {self.get_openapi_operation_id(operation): _needs(operation) for _, operation in self.operations()}
        for path in document["paths"].values():
            for told in path.values():
                _complete(told, needed[told["operationId"]])
        return document


def _needs(operation: Operation) -> Needs | None:
    return next((auth for auth in operation.auth_callbacks if isinstance(auth, Needs)), None)


def _complete(told: dict[str, Any], needs: Needs | None) -> None:
    told["security"] = [{"token": [needs.scope] if needs else []}]
    if needs:
        told["x-scope"], told["x-role"] = needs.scope, str(needs.role)
    for parameter in told["parameters"]:
        # Where it may be left out the default says so; elsewhere leaving it out hears 428.
        if parameter["name"] == "If-Match" and parameter["schema"].get("default") == "":
            parameter["required"] = True
    for status in sorted(_failures(told)):
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
        told["responses"].setdefault(
            status, {"description": HTTPStatus(status).phrase, "content": {PROBLEM_TYPE: problem}}
        )


def _failures(told: dict[str, Any]) -> set[int]:
    """The statuses that an operation may fail with, by what it takes."""
    places = {parameter["in"] for parameter in told["parameters"]}
    found = set(_ALWAYS)
    if places or "requestBody" in told:
        found.add(422)
    if "requestBody" in told:
        found.update(_WITH_BODY)
    if "header" in places:
        found.update(_WITH_VERSION)
    return found
