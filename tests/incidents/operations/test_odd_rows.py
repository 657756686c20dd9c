"""Rows of a foreign table whose JSON holds what no page can encode and no JSON column can store."""

import json
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from incidents.operations import services
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_console.access.roles import Role
from tests.api.calling import calling
from tests.incidents.operations.conftest import MakeEpisode
from tests.incidents.operations.test_pages import text_of
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db
# Valid JSON as text, which is what a foreign column may hold.
ODD = {
    "in a value": r'{"main_content_filename": "caf\udce9.wav"}',
    "in a key": r'{"main_content_filename": "a.wav", "\ud800": 1}',
    "in the reason": r'{"main_content_filename": "a.wav", "error_reason": "broken \ud83d", "error_at": "\udc00"}',
    "deep": r'{"main_content_filename": "a.wav", "tts_values": [{"\udfff": ["\u0000", NaN]}]}',
    "nul": r'{"main_content_filename": "a\u0000b.wav", "error_reason": "\u0000"}',
    "nested": '{"main_content_filename": "a.wav", "intents": ' + "[" * 500 + "]" * 500 + "}",
}


@pytest.fixture(params=ODD.values(), ids=ODD.keys())
def odd(request: pytest.FixtureRequest, episode: MakeEpisode) -> str:
    episode(meta_json=request.param, status="error")
    return episode(meta_json=request.param)


def get(client: Client, *names: str, **query: Any) -> str:
    response = client.get(reverse(f"operations:{names[0]}", args=names[1:]), query)
    assert response.status_code == 200
    return text_of(response)


def test_every_page_shows_the_row(odd: str) -> None:
    """The list, the groups, the operation's page and the CSV; a lone surrogate is shown as its escape."""
    client = signed_in(Role.OPERATOR)
    assert odd in get(client, "list")
    get(client, "list", state="failed")
    get(client, "groups")
    assert odd in get(client, "page", "episode_assembly", odd)
    assert odd in get(client, "list", format="csv")
    get(client, "list", state="failed", format="csv")


def test_every_answer_of_the_api_holds_it(odd: str) -> None:
    """What the API sends can be read by any JSON reader."""
    client = calling()
    for path in ("operations", "operations?state=failed", "operation-groups", f"operations/episode_assembly/{odd}"):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200
        json.loads(answer.content.decode())


def test_it_can_be_acted_on(odd: str, episode: MakeEpisode) -> None:
    """Asking first, retrying and failing: the row is changed or refused alone, the others are changed."""
    client = signed_in(Role.OPERATOR)
    good = episode()
    assert client.post(reverse("operations:act"), {"verb": "retry", "ids": [odd, good]}).status_code == 200
    for verb in ("retry", "fail"):
        good = episode()
        action = services.start(actor(), Scope(kind="episode_assembly", ids=(odd, good)), verb, "odd text")
        release_due()
        get(client, "action", str(action.pk))
        outcomes = get(client, "action", str(action.pk), format="csv")
        assert f"{good},changed" in outcomes
    assert all(str(sent.message()) for sent in mail.outbox)


def test_the_page_shows_the_escape(episode: MakeEpisode) -> None:
    """What the row really holds, not a replacement: somebody has to find it in the table."""
    one = episode(meta_json=ODD["in a value"])
    assert r"caf\udce9.wav" in get(signed_in(Role.VIEWER), "page", "episode_assembly", one)
