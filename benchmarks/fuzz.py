"""Hostile requests to every address of the console and its API: each answer is below 500.

`dev.py bench fuzz` sends 100,000 of them to a small scratch database, and exits with 1 where one failed. `--seed` and
`--requests` repeat a run. `Fuzzer` is what the tests use for fewer. As `python -m benchmarks.fuzz` it needs
DATABASE_URL of a superuser and an empty database.
"""

import argparse
import json
import logging
import os
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

REQUESTS = 100_000
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
API_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Texts as bytes: what is no UTF-8 is sent too. Each once broke a program somewhere.
TEXTS = [
    *(text.encode("utf-8", "surrogatepass") for text in (
        "", " ", "0", "-1", "1", "2", "17", "1_000", "٣", "1.5", "1,5", "1e999", "-0", "NaN", "inf", "2147483648",
        "9223372036854775807", "9223372036854775808", "9" * 400, "true", "null", "[]", "{}", '{"a":[1,{"b":null}]}',
        "[" * 2000, '"\\ud800"', "\0", "a\0b", "\ud800", "\u202e", "\ufeff", "\u200b", "\n", "\r\nX-Evil: 1", "\t",
        "a" * 256, "a" * 5000, "é" * 300, "🎧", "<script>alert(1)</script>", "'\"`;--", "%", "%_%", "\\", "(", "[", "*",
        "(?P<a>", "../../etc/passwd", "//example.org", "http://example.org/", "javascript:alert(1)", "*/5 * * * *",
        "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999+23:59", "0001-01-01T00:00:00+14:00", "2026-02-30",
        "2026-10-25T02:30", "1970-01-01T00:00:00Z", "292277026596-12-04", "24:00", "P1Y", "7 days",
        "00000000-0000-0000-0000-000000000000", "::1", "192.0.2.1:99999", "a@b", "x=y&z", "all", "none", "on", "pct:5",
    )),
    b"\xff\xfe", b"\x80", b"caf\xe9", b"%00", b"\xed\xa0\x80",
]  # fmt: skip
HEADERS = (
    "If-Match", "If-None-Match", "Accept", "Accept-Language", "Accept-Encoding", "Cookie", "X-Request-ID", "Origin",
    "Idempotency-Key", "HX-Request", "HX-Target", "HX-Current-URL", "HX-Trigger", "HX-Boosted", "X-Forwarded-For",
    "X-Forwarded-Proto", "Referer", "Range", "If-Modified-Since", "Last-Event-ID", "Authorization", "Content-Type",
    "User-Agent",
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "text/plain", "application/json; charset=utf-16", "application/json; charset=nonsense", "", "multipart/form-data",
)  # fmt: skip
# An event stream does not end; the unnamed are redirects of Django's admin.
LEFT_OUT = {"live", "admin:unnamed"}


@dataclass(frozen=True)
class Route:
    """A URL with its parameters as `<kind:name>`; `api` is reached by a token instead of a session."""

    name: str
    path: str
    api: bool


@dataclass
class Request:
    """One request, as it can be printed and sent again."""

    role: str
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        sent = f" {self.content_type} {self.body[:300]!r}" if self.body else ""
        return f"{self.role} {self.method} {self.path}?{self.query[:300]}{sent} {self.headers}"


@dataclass
class Known:
    """What an address takes, learned from its own pages: parameters and form fields, with values that it offered."""

    values: dict[str, set[bytes]] = field(default_factory=dict)
    MOST_VALUES = 12

    def learn(self, name: str, value: str) -> None:
        seen = self.values.setdefault(name, set())
        if len(seen) < self.MOST_VALUES:
            seen.add(value.encode("utf-8", "replace"))


class Fuzzer:
    """Sends requests drawn from a seed, each in a transaction that is rolled back, so that every one meets one state.

    `samples` are values for the parameters of URLs, as `benchmarks.growth_samples` has them; `clients` are Django's
    test clients by role, with "anonymous", and `apis` those that send a token.
    """

    def __init__(self, seed: int, samples: dict[str, Any], clients: dict[str, Any], apis: dict[str, Any]) -> None:
        from benchmarks.growth_pages import all_routes

        self.random = random.Random(seed)
        self.samples = samples
        self.clients, self.apis = clients, apis
        self.cookies = {name: client.cookies.copy() for name, client in clients.items()}
        self.routes = [
            Route(name, path, name.startswith("api:"))
            for name, path in sorted(set(all_routes()))
            if name not in LEFT_OUT
        ]
        self.known: dict[str, Known] = {route.path: Known() for route in self.routes}
        self.bodies = api_bodies()
        self.answers: Counter[int] = Counter()
        # How probable it is that a value is a hostile one, drawn for each request: what is all wrong gets nowhere.
        self.oddness = 0.0
        # Methods that an address was found not to take: seldom tried again.
        self.refused: set[tuple[str, str]] = set()

    def run(self, requests: int, seconds: float = float("inf")) -> Iterator[tuple[Request, str]]:
        """Each request that failed, with its traceback or its status. Ends after so many, or after so long."""
        ends_at = time.monotonic() + seconds
        for _ in range(requests):
            if time.monotonic() > ends_at:
                return
            route = self.random.choice(self.routes)
            request = self.draw(route)
            status, failure, text = self.send(request, route)
            self.answers[status] += 1
            if status == 405:
                self.refused.add((route.path, request.method))
            if text:
                self._learn(route, text)
            if status >= 500:
                yield request, failure or f"status {status}"

    def draw(self, route: Route) -> Request:
        pick = self.random
        self.oddness = pick.choice((0.05, 0.2, 0.5))
        path = PARAMETER.sub(lambda found: self._part(route, found[1]), route.path)
        role = pick.choice(list(self.apis) if route.api else ["admin", "admin", "admin", *self.clients])
        method = pick.choice(API_METHODS if route.api else METHODS)
        while (route.path, method) in self.refused and pick.random() < 0.9:
            method = pick.choice(API_METHODS if route.api else METHODS)
        request = Request(role, method, path)
        if method in ("GET", "HEAD") or pick.random() < 0.2:
            request.query = self._query(route)
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            request.content_type, request.body = self._body(route)
        if pick.random() < 0.5:
            for name in pick.sample(HEADERS, pick.randint(1, 3)):
                if name != "Authorization" or pick.random() < 0.1:
                    # A server hands on headers without line ends, as Latin-1.
                    request.headers[name] = re.sub(r"[\r\n\0]", "", pick.choice(TEXTS)[:300].decode("latin-1"))
        return request

    def send(self, request: Request, route: Route) -> tuple[int, str, str]:
        """Its status, the traceback where it raised, and its text."""
        from django.core.cache import cache
        from django.core.signals import got_request_exception
        from django.db import transaction

        client = (self.apis if route.api else self.clients)[request.role]
        if not route.api:
            client.cookies = self.cookies[request.role].copy()
        raised: list[str] = []

        def note(**_: Any) -> None:
            raised.append(traceback.format_exc())

        cache.clear()  # rates are not what is tested, and would hide the rest
        got_request_exception.connect(note)
        try:
            with transaction.atomic():
                answer = client.generic(
                    request.method,
                    request.path,
                    request.body,
                    request.content_type,
                    headers=request.headers,
                    QUERY_STRING=request.query,
                )
                text = b"".join(answer.streaming_content) if answer.streaming else answer.content
                transaction.set_rollback(True)
        except Exception:  # noqa: BLE001 - what gets past Django's own handler is the worst of answers
            return 599, traceback.format_exc(), ""
        finally:
            got_request_exception.disconnect(note)
        return answer.status_code, "\n".join(raised), text.decode("utf-8", "replace")

    def _part(self, route: Route, parameter: str) -> str:
        from benchmarks.growth_pages import sample

        if self.random.random() < 0.75:
            try:
                value = sample(route.name, parameter, self.samples)
            except KeyError:  # an address that leads elsewhere
                value = 1
            return quote_from_bytes(str(value).encode(), safe="")
        return quote_from_bytes(self._text(), safe="")

    def _query(self, route: Route) -> str:
        known = self.known[route.path].values
        pairs = []
        for _ in range(self.random.choice((0, 1, 1, 2, 3, 5))):
            name = self.random.choice(sorted(known)) if known and self.random.random() < 0.9 else "cursor"
            pairs.append((name.encode("utf-8", "replace"), self._value(known.get(name, set()))))
        return urlencode(pairs)

    def _value(self, offered: set[bytes]) -> bytes:
        """A value that the page offered, one of the hostile, or an offered one with a part that is hostile."""
        if not offered or self.random.random() < self.oddness:
            return self._text()
        value = self.random.choice(sorted(offered))
        if self.random.random() >= self.oddness:
            return value
        at = self.random.randint(0, len(value))
        return value[:at] + self._text()[:20] + value[at + self.random.randint(0, 3) :]

    def _text(self) -> bytes:
        return self.random.choice(TEXTS)

    def _body(self, route: Route) -> tuple[str, bytes]:
        pick = self.random
        content_type = pick.choice(CONTENT_TYPES)
        if pick.random() < 0.1:
            return content_type, self._text()
        if route.api or content_type.startswith("application/json"):
            shape = pick.choice(self.bodies.get(route.path, [{}]) or [{}])
            body = json.dumps(self._mutated(shape), ensure_ascii=pick.random() < 0.5)
            return ("application/json" if pick.random() < 0.9 else content_type), body.encode("utf-8", "surrogatepass")
        known = self.known[route.path].values
        fields = [(name, self._value(values)) for name, values in sorted(known.items()) if pick.random() < 0.8]
        fields += [(pick.choice(sorted(known)), self._text())] if known and pick.random() < 0.3 else []
        if not content_type.startswith("multipart/form-data; "):
            return "application/x-www-form-urlencoded", urlencode(fields).encode()
        parts = []
        for name, value in fields:
            file = '; filename="f.csv"' if pick.random() < 0.3 else ""
            head = f'Content-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode("utf-8", "replace")
            parts.append(b"--x\r\n" + head + value + b"\r\n")
        return content_type, b"".join(parts) + (b"--x--\r\n" if pick.random() < 0.9 else b"")

    def _mutated(self, value: Any) -> Any:
        """The same shape with some parts replaced by what nobody would send."""
        pick = self.random
        if pick.random() < self.oddness / 3:
            odd = [None, True, -1, 0, 2**63, 10**400, 1.5, 1e308, [], {}, [[]], {"": ""}, "\ud800", "\0", float("nan")]
            return pick.choice([*odd, self._text().decode("utf-8", "replace")])
        if isinstance(value, dict):
            kept = {name: self._mutated(part) for name, part in value.items() if pick.random() < 0.9}
            return kept | ({"unknown": 1} if pick.random() < 0.05 else {})
        if isinstance(value, list):
            return [self._mutated(part) for part in value] * pick.choice((1, 1, 1, 0, 2, 300))
        return value

    def _learn(self, route: Route, text: str) -> None:
        if text.startswith(("{", "[")):
            return
        reader = _Reader()
        try:
            reader.feed(text[:400_000])
        except AssertionError:  # html.parser's, on what is no HTML
            return
        for path, pairs in reader.found:
            known = self.known.get(path_of(path)) if path else self.known[route.path]
            for name, value in pairs:
                (known or self.known[route.path]).learn(name, value)


class _Reader(HTMLParser):
    """Collects the queries of a page's links and the fields of its forms, with the address they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []
        self._form = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get", "hx-post", "action"):
            address = urlsplit(given.get(name, "")[:2000]) if "//" not in given.get(name, "")[:2] else urlsplit("")
            if address.query:
                self.found.append((address.path, parse_qsl(address.query)))
        if tag == "form":
            self._form = given.get("action") or given.get("hx-post") or ""
        elif tag in ("input", "textarea", "button") and given.get("name"):
            self.found.append((self._form.partition("?")[0], [(given["name"], given.get("value", ""))]))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select:
            self.found.append((self._form.partition("?")[0], [(self._select, given.get("value", ""))]))


def path_of(path: str) -> str:
    """The route's pattern that an address belongs to; the address itself where it is none of ours."""
    from django.urls import Resolver404, resolve

    try:
        return "/" + resolve(path).route
    except (Resolver404, ValueError):
        return path


def api_bodies() -> dict[str, list[Any]]:
    """For each route of the API a body of the documented shape per method."""
    from ops_console.api.v1 import api

    document = api.get_openapi_schema()
    found: dict[str, list[Any]] = {}
    for path, methods in document["paths"].items():
        route = re.sub(r"{(\w+)}", r"<\1>", path)
        for told in methods.values():
            schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema:
                found.setdefault(route, []).append(_example(document, schema, 0))
    return found


def _example(document: Any, schema: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _example(document, document["components"]["schemas"][name], depth) if depth < 6 else {}
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _example(document, schema[choice][0], depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _example(document, told, depth + 1) for name, told in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(document, schema.get("items", {}), depth + 1)]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(str(kind), "text")


def set_up() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A scratch database with a few rows of everything; samples, and clients by role."""
    from benchmarks.growth import make_reader
    from benchmarks.growth_rows import Size, fill
    from benchmarks.operation_rows import prepare, superuser
    from benchmarks.operations import set_up_django

    os.environ |= {"EMAIL_URL": "dummymail://", "LOG_LEVEL": "CRITICAL"}
    prepare()
    set_up_django()
    logging.disable()  # a warning a request
    make_reader()
    with superuser() as connection:
        fill(connection, None, Size(each=100))
        connection.execute("ANALYZE")
    return signed_in_clients()


def signed_in_clients() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Samples of the filled database, a client for each role, and API clients for operator and admin."""
    from django.test import Client

    from benchmarks.growth import token
    from benchmarks.growth_samples import samples
    from ops_console.access.models import User
    from tests.sessions import sign_in

    options: dict[str, Any] = {"raise_request_exception": False, "headers": {"host": "localhost"}}
    clients = {"anonymous": Client(**options)}
    apis = {}
    for role in ("viewer", "operator", "admin"):
        name = f"fuzz-{role}"
        user = User.objects.filter(username=name).first()
        user = user or User.objects.create_user(name, f"{name}@example.org", "x" * 20, role=role)
        clients[role] = Client(**options)
        sign_in(clients[role], user)
        headers = {"host": "localhost", "Authorization": f"Bearer {token(name, role)}"}
        apis[role] = Client(raise_request_exception=False, headers=headers)
    return samples(), clients, apis


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    fuzzer = Fuzzer(arguments.seed, *set_up())
    kinds: Counter[str] = Counter()
    for request, failure in fuzzer.run(arguments.requests):
        kind = failure.strip().splitlines()[-1][:200]
        kinds[kind] += 1
        if kinds[kind] == 1:
            print(f"{request}\n{failure}\n", flush=True)
    print(
        f"{sum(fuzzer.answers.values()):,} requests with seed {arguments.seed}: {dict(sorted(fuzzer.answers.items()))}"
    )
    for kind, count in kinds.most_common():
        print(f"{count:>6}  {kind}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
