"""The Access page's list of people: bounded, searched and paged."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ops_console.access.models import User
from ops_console.access.roles import Role

SignedIn = Callable[[User], Client]


@pytest.fixture
def crowd(db: None) -> None:
    """Two hundred colleagues."""
    User.objects.bulk_create(
        User(username=f"person{n:03}", email=f"person{n:03}@example.org", role=Role.VIEWER) for n in range(200)
    )


def shown(page: str) -> list[str]:
    return re.findall(r'<td class="long"><a href="/access/\d+/">([^<]+)</a>', page)


def test_people_come_in_pages(crowd: None, admin: User, signed_in: SignedIn) -> None:
    """Fifty a page, in order, each person once; the page says how many there are."""
    client, names, path = signed_in(admin), [], "/access/"
    while path:
        page = client.get(path).content.decode()
        assert len(shown(page)) <= 50
        names += shown(page)
        older = re.search(r'href="([^"]*cursor=[^"]+)"[^>]*rel="next"', page)
        path = unescape(older[1]) if older else ""
    assert names == sorted(names) and len(set(names)) == len(names) == 201


def test_people_are_found_by_name_mail_and_role(crowd: None, admin: User, signed_in: SignedIn) -> None:
    """The filter is in the URL."""
    client = signed_in(admin)
    assert shown(client.get("/access/?q=PERSON17").content.decode()) == [f"person17{n}" for n in range(10)]
    assert shown(client.get("/access/?q=person042@").content.decode()) == ["person042"]
    assert shown(client.get("/access/?role=admin").content.decode()) == ["admin"]
    assert "Nobody matches" in client.get("/access/?q=zzz").content.decode()


def test_cost_does_not_grow_with_people(
    admin: User, signed_in: SignedIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A page of one and a page of fifty take the same queries."""
    client = signed_in(admin)
    with django_assert_max_num_queries(14) as few:
        client.get("/access/")
    User.objects.bulk_create(User(username=f"person{n:03}", role=Role.VIEWER) for n in range(300))
    with django_assert_max_num_queries(len(few)):
        page = client.get("/access/")
    assert len(page.content) < 100_000
