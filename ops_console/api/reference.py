"""The OpenAPI document as people read it: operations by part, with what they take, answer and look like in a shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops_console.api_base.lines import curl

_METHODS = ("get", "post", "put", "patch", "delete")
_SAMPLES = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "object": {}, "array": [], "null": None}


@dataclass(frozen=True)
class Parameter:
    """One thing that a call takes or an answer holds. `where` is path, query, header or body."""

    name: str
    where: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Described:
    """One operation. `answers` are its statuses in words, `fields` what the body of its good answer holds."""

    name: str
    method: str
    path: str
    summary: str
    scope: str
    role: str
    takes: list[Parameter]
    fields: list[Parameter]
    answers: list[str]
    curl: str


def parts(document: Mapping[str, Any], base_url: str) -> dict[str, list[Described]]:
    """Every operation under its tag, in the document's order."""
    found: dict[str, list[Described]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                told = methods[method]
                tag = (told.get("tags") or ["Other"])[0]
                found.setdefault(tag, []).append(_described(document, base_url, path, method, told))
    return found


def _described(document: Mapping[str, Any], base_url: str, path: str, method: str, told: dict[str, Any]) -> Described:
    body = _body(document, told)
    fields = _fields(document, _content(told.get("responses", {}).get(_good(told), {})), "answer")
    return Described(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told.get("description") or told["summary"],
        scope=told.get("x-scope", ""),
        role=told.get("x-role", ""),
        takes=[_parameter(document, told) for told in told["parameters"]] + _fields(document, body, "body"),
        fields=fields,
        answers=[f"{status} {answer['description']}" for status, answer in told["responses"].items()],
        curl=_curl(document, base_url + path, method.upper(), told, body),
    )


def _parameter(document: Mapping[str, Any], told: dict[str, Any]) -> Parameter:
    said = told.get("description") or told["schema"].get("description", "")
    return Parameter(told["name"], told["in"], _kind(document, told["schema"]), told.get("required", False), said)


def _body(document: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return _content(told.get("requestBody", {}))


def _content(told: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = told.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _good(told: dict[str, Any]) -> Any:
    return next((status for status in told["responses"] if int(status) < 400), 200)


def _fields(document: Mapping[str, Any], schema: dict[str, Any], where: str) -> list[Parameter]:
    full = _resolved(document, schema)
    required = full.get("required", [])
    return [
        Parameter(name, where, _kind(document, told), name in required, told.get("description", ""))
        for name, told in full.get("properties", {}).items()
    ]


def _resolved(document: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def _kind(document: Mapping[str, Any], schema: dict[str, Any]) -> str:
    """A type in words: `text`, `list of FlagOut`, `"on" or "off"`."""
    if "$ref" in schema:
        full = _resolved(document, schema)
        return _kind(document, full) if "enum" in full else schema["$ref"].rsplit("/", 1)[-1]
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(document, one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    kind: str = schema.get("format") or schema.get("type", "any")
    return "text" if kind == "string" else kind


def _curl(document: Mapping[str, Any], url: str, method: str, told: dict[str, Any], body: dict[str, Any]) -> str:
    versioned = any(parameter["name"] == "If-Match" for parameter in told["parameters"])
    return curl(method, url, _sample(document, body) if body else None, 1 if versioned else None)


def _sample(document: Mapping[str, Any], schema: dict[str, Any]) -> Any:
    """A body that could be sent: the schema's own example, else what it asks for."""
    full = _resolved(document, schema)
    if "example" in full or "examples" in full:
        return full.get("example") or full["examples"][0]
    if "enum" in full:
        return full["enum"][0]
    if "anyOf" in full:
        return _sample(document, full["anyOf"][0])
    if "properties" in full:
        wanted = full.get("required") or list(full["properties"])[:1]
        return {name: _sample(document, full["properties"][name]) for name in wanted}
    return _SAMPLES.get(full.get("type", "null"))
