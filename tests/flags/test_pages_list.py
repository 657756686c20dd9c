"""The list: filters, tabs and order in the URL, use and age beside each flag, CSV, and the names nobody defined."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from flags import services
from flags.models import Flag, State
from ops_console.access.roles import Role
from tests.flags.processes import alive
from tests.flags.usage_rows import asked
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db


def made(name: str, state: State = State.RULES, **values: Any) -> Flag:
    return services.create(actor(), name, values, state)


def listed(**query: str) -> str:
    return signed_in(Role.VIEWER).get(reverse("flags:list"), query).content.decode()


def order(body: str, *names: str) -> list[str]:
    return sorted(names, key=lambda name: body.index(f">{name}</a>"))


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"kind": "ops"}, "beta", "alpha"),
        ({"tag": "web"}, "alpha", "beta"),
        ({"owner": "team b"}, "beta", "alpha"),
        ({"q": "note of alpha"}, "alpha", "beta"),
        ({"state": "off"}, "beta", "alpha"),
    ],
)
def test_filters_narrow_the_list_and_its_tabs(query: dict[str, str], shown: str, hidden: str) -> None:
    """Kind, tag, owner, text and state each leave the flags that match, and the tabs count the same."""
    made("alpha", tags=["web"], owner="team a", note="the note of alpha")
    made("beta", State.OFF, kind="ops", owner="team b")
    body = listed(**query)
    assert f">{shown}</a>" in body and f">{hidden}</a>" not in body
    if "state" not in query:
        assert 'All <span class="count num">1</span>' in body


def test_a_filter_that_is_none_filters_nothing() -> None:
    """A kind that does not exist, typed into the address, shows its error and the whole list."""
    made("alpha")
    assert ">alpha</a>" in listed(kind="weather")


def test_the_order_is_in_the_url_and_pages_keep_it() -> None:
    """By owner, downwards, over two pages: no flag is lost or shown twice."""
    for number in range(60):
        made(f"flag-{number:02}", owner=f"owner {number % 7}")
    client = signed_in(Role.VIEWER)
    first = client.get(reverse("flags:list"), {"sort": "-owner"})
    rows = [row.flag.name for row in first.context["rows"]]
    cursor = first.context["page"].next
    second = client.get(reverse("flags:list"), {"sort": "-owner", "cursor": cursor})
    rows += [row.flag.name for row in second.context["rows"]]
    owners = [Flag.objects.get(name=name).owner for name in rows]
    assert len(set(rows)) == 60 and owners == sorted(owners, reverse=True)


def test_use_and_age_stand_beside_a_flag() -> None:
    """How often it was asked for in 7 days, and the reason why it is stale."""
    flag = made("old")
    Flag.objects.filter(pk=flag.pk).update(
        created=timezone.now() - timedelta(days=90), expires_at=timezone.now() - timedelta(days=1)
    )
    asked("old", 1, 1234)
    body = listed(state="stale")
    assert "1,234" in body and "Planned to be gone since" in body


def test_csv_has_what_is_shown() -> None:
    """The same filters and columns, with no cell that a spreadsheet would run."""
    made("alpha", owner="=cmd()", tags=["web", "player"])
    made("beta")
    asked("alpha", 0, 7)
    answer = signed_in(Role.VIEWER).get(reverse("flags:list"), {"format": "csv", "tag": "web"})
    lines = b"".join(answer).decode().splitlines()  # type: ignore[call-overload]
    assert lines[0].startswith("name,state,percent,kind,tags,owner")
    assert len(lines) == 2 and '"web, player"' in lines[1] and "'=cmd()" in lines[1] and ",7," in lines[1]


def test_names_that_nobody_defined_can_be_defined() -> None:
    """A name that code asks for stands under its own tab, who asks beside it, and its button fills in the new flag."""
    made("known")
    asked("known", 0, 5)
    asked("tpying error & more", 0, 321, service="web")
    client = signed_in(Role.OPERATOR)
    body = client.get(reverse("flags:undefined")).content.decode()
    assert "321" in body and ">web<" in body and ">known<" not in body
    assert "name=tpying%20error%20%26%20more" in body
    form = client.get(reverse("flags:new"), {"name": "tpying error & more"}).content.decode()
    assert 'value="tpying error &amp; more"' in form


def test_processes_with_defaults_are_shown() -> None:
    """Which process answers what by its environment stands below the names, and on the flag's own page."""
    flag = made("player")
    alive("web", flag_defaults={"OPS_FLAG_PLAYER": "25"})
    client = signed_in(Role.VIEWER)
    assert "OPS_FLAG_PLAYER=25" in client.get(reverse("flags:undefined")).content.decode()
    assert "would answer “25”" in client.get(reverse("flags:page", args=[flag.pk])).content.decode()
