"""The rail: on every page, errors included, and its section is marked."""

import re
from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.web.navigation import GROUPS, rail
from tests.console.test_urls_closed import ALL

# Pages that belong to no section: the search box and the person's own menu are in the top bar.
NO_SECTION = re.compile(r"/(search/.*|accounts/.*|admin/.*|live(/status)?|api/v1/(?!docs).*)$")


def marked(path: str, role: str = Role.ADMIN) -> list[str]:
    """The entries that are marked on a page."""
    return [link.label for _, links in rail(RequestFactory().get(path), role) for link in links if link.current]


@pytest.mark.parametrize("address", ALL, ids=lambda address: address.name)
def test_every_page_has_its_section(address) -> None:
    """One entry is marked for every address that is a page of the console."""
    assert len(marked(address.path)) == (0 if NO_SECTION.match(address.path) else 1)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "Overview"),
        ("/sweep/runs/7/", "Operations"),
        ("/flags/segments/", "Flags"),
        ("/access/tokens/new/", "API"),
        ("/access/7/", "Access"),
        ("/api/v1/docs", "API"),
    ],
)
def test_a_section_is_the_one_that_people_would_look_in(path: str, label: str) -> None:
    assert marked(path) == [label]


def test_an_operators_tokens_are_in_a_section_that_operators_have() -> None:
    """Access is for admins, API tokens are for everybody."""
    assert marked("/access/tokens/", Role.OPERATOR) == ["API"]


@pytest.mark.parametrize("path", ["/nowhere/", "/flags/999999/", "/access/"])
def test_an_error_page_keeps_the_rail(operator: User, signed_in: Callable[[User], Client], path: str) -> None:
    """404 and 403 are pages of the console, from which every other is one click away."""
    answer = signed_in(operator).get(path)
    assert answer.status_code in (403, 404)
    page = answer.content.decode()
    assert entries(page) == opened_by(Role.OPERATOR)
    assert 'id="search"' in page and ">operator</span>" in page
    assert "Sign out" in page and 'name="csrfmiddlewaretoken"' in page


def test_a_fault_keeps_the_rail_the_search_and_the_account(operator: User, signed_in: Callable[[User], Client]) -> None:
    """A page with a fault of ours is left like any other."""
    client = signed_in(operator)
    client.raise_request_exception = False
    with patch("ops_console.views.search._groups", side_effect=ZeroDivisionError):
        answer = client.get("/search/?q=x")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert entries(page) == opened_by(Role.OPERATOR)
    assert 'id="search"' in page and "Sign out" in page


def test_the_rail_stays_while_the_database_is_unreachable(operator: User, signed_in: Callable[[User], Client]) -> None:
    """Who it is cannot be read: somebody with a session sees what every role may open, others see no rail."""
    known, unknown = signed_in(operator), Client(raise_request_exception=False)
    known.raise_request_exception = False
    with patch.object(connection, "cursor", side_effect=OperationalError("connection refused")):
        answer, other = known.get("/flags/"), unknown.get("/flags/")
    assert answer.status_code == 503
    assert entries(answer.content.decode()) == opened_by(Role.VIEWER)
    assert 'aria-current="page"' in answer.content.decode()
    assert "your session cannot be read now" in answer.content.decode() and 'id="search"' not in answer.content.decode()
    assert entries(other.content.decode()) == []


@pytest.mark.django_db
def test_nobodys_error_page_has_no_rail() -> None:
    """Who is not signed in is told nothing of the pages."""
    assert entries(Client().get("/nowhere/").content.decode()) == []


def test_search_is_a_page_like_the_others(operator: User, signed_in: Callable[[User], Client]) -> None:
    """Its address ends as every other; one without the slash, kept in a bookmark, leads there with its query."""
    client = signed_in(operator)
    assert client.get("/search/").status_code == 200
    assert client.get("/search", {"q": "x"}).headers["Location"] == "/search/?q=x"


def entries(page: str) -> list[str]:
    return re.findall(r'<a href="[^"]*" data-key="(\w)"', page)


def opened_by(role: Role) -> list[str]:
    return [page.key for _, pages in GROUPS for page in pages if role == Role.ADMIN or page.role != Role.ADMIN]
