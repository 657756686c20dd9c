"""Every address is closed to who may not: all of them are asked by everybody, and the table says what they hear."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ops_console.access.models import User
from ops_console.access.roles import Role
from tests.console.conftest import make_person
from tests.console.url_answers import ANSWERS

WHO = (None, Role.VIEWER, Role.OPERATOR, Role.ADMIN)
SAMPLES = {
    "IntConverter": "999999",
    "UUIDConverter": str(UUID(int=0)),
    "UUIDStrConverter": str(UUID(int=0)),
    "StringConverter": "nothing",
    "SlugConverter": "nothing",
    "PathConverter": "999999",
    "NamedConverter": "nothing",
    "TextConverter": "nothing",
}
# Regular expressions of Django's admin.
ODD = {"admin:app_list": "/admin/nothing/", "admin:unnamed": "/admin/nothing/at/all/"}


@dataclass(frozen=True)
class Address:
    """A named URL and a path that leads to it."""

    name: str
    path: str


def addresses(resolver: URLResolver, prefix: str = "/", space: str = "") -> Iterator[Address]:
    """Every URL of the console, in the order in which they are tried."""
    for pattern in resolver.url_patterns:
        route = prefix + _filled(pattern)
        if isinstance(pattern, URLPattern):
            name = f"{space}{pattern.name or 'unnamed'}"
            yield Address(name, ODD.get(name, route))
        else:
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern, route, inner)


def _filled(pattern: URLPattern | URLResolver) -> str:
    route = str(pattern.pattern)
    for name, converter in pattern.pattern.converters.items():
        kind = type(converter).__name__
        spelled = {"IntConverter": "int", "UUIDConverter": "uuid", "StringConverter": "str"}.get(
            kind, kind[:-9].lower()
        )
        route = route.replace(f"<{spelled}:{name}>", SAMPLES[kind]).replace(f"<{name}>", SAMPLES[kind])
    return route


ALL = list(addresses(get_resolver()))


def entry_of(name: str) -> str | None:
    """The table's key for a URL: its own name, or a pattern of Django's admin or of the API."""
    if name in ANSWERS:
        return name
    return next((key for key in ANSWERS if "*" in key and fnmatch(name, key)), None)


@pytest.fixture
def people(db: None) -> dict[Role, User]:
    """One of each role; the directory knows nobody."""
    return {role: make_person(role) for role in Role}


@pytest.mark.parametrize("address", ALL, ids=lambda address: f"{address.name} {address.path}")
def test_address_answers_as_the_table_says(address: Address, people: dict[Role, User]) -> None:
    """Nobody, viewer, operator and admin hear what stands in tests/console/url_answers.py, for GET and POST."""
    heard = [[ask(address.path, people.get(who), method) for who in WHO] for method in ("get", "post")]
    found = " / ".join(" ".join(map(str, answers)) for answers in heard)
    key = entry_of(address.name)
    assert key, f'{address.name} has no entry. It answers: "{address.name}": "{found}",'
    expected = [answers.split() for answers in ANSWERS[key].split(" / ")]
    right = all(
        str(got) in want.split(",")
        for g, w in zip(heard, expected, strict=True)
        for got, want in zip(g, w, strict=True)
    )
    assert right, f"{address.path} answers {found}, not {ANSWERS[key]}"


def test_no_entry_is_stale() -> None:
    """An entry without an address would hide that one was renamed."""
    used = {entry_of(address.name) for address in ALL}
    assert set(ANSWERS) <= used


def ask(path: str, user: User | None, method: str) -> int:
    """The status that somebody hears."""
    client = Client(raise_request_exception=True)
    if user:
        client.force_login(user)
    return int(getattr(client, method)(path).status_code)
