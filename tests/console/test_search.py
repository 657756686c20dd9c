"""The search box: what it finds, in which order, how much of it, and while one types."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from flags.models import Flag
from incidents.breakers.models import Breaker
from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.audit.services import Target, record
from ops_console.directory import schema
from ops_console.views import search as searching
from quotas.models import Refusal, Resource
from tests import podcast
from tests.incidents.operations.conftest import make_episode

MAYA = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(autouse=True)
def fresh_schema() -> Iterator[None]:
    schema.forget()
    yield
    schema.forget()


@pytest.fixture
def reader(viewer: User) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


def results(client: Client, text: str) -> list[tuple[str, str]]:
    """The links of the results page, best group first."""
    page = client.get("/search/", {"q": text}).content.decode()
    main = page[page.index("<main") :]
    return [(unescape(url), label) for url, label in re.findall(r'<li><a href="([^"]+)">([^<]*)</a>', main)]


def suggested(client: Client, text: str) -> list[tuple[str, str]]:
    page = client.get("/search/suggestions/", {"q": text}).content.decode()
    return [
        (unescape(url), label)
        for url, label in re.findall(
            r'data-href="([^"]+)">(?:<span class="tag">\w+</span><span class="suggestion"><span>)?([^<]*)', page
        )
    ]


def opened(client: Client, text: str) -> str:
    """Where an exact hit leads; "" when a list is shown."""
    return client.get("/search/", {"q": text}).headers.get("Location", "")


def entry(actor: str, action: str, label: str, request_id: str = "") -> int:
    with transaction.atomic():
        made = record(Actor(actor, "admin", "web", request_id=request_id), action, Target("flag", "1", label))
    return made.pk


def test_an_operation_is_found_by_its_short_id_and_its_title(reader: Client) -> None:
    """The list shows eight characters of an id: these are what people copy. A finished one is found by them too."""
    first = make_episode(title="Pilot about whales")
    done = make_episode(title="Finished one", status="published")
    assert results(reader, first[:8])[0] == (f"/operations/episode_assembly/{first}/", "Pilot about whales")
    assert f"/operations/episode_assembly/{done}/" in [url for url, _ in results(reader, done[:8])]
    assert (f"/operations/episode_assembly/{first}/", "Pilot about whales") in results(reader, "whales")
    assert opened(reader, first) == f"/operations/episode_assembly/{first}/"


def test_a_limit_a_page_a_path_an_action_and_a_person_are_found(reader: Client) -> None:
    """The kinds that the box did not know."""
    Resource.objects.create(name="api_calls", kind="rate", title="Calls of the API")
    entry("maya.admin", "flag.turn_off", "new-player")
    assert opened(reader, "api_calls") == "/quotas/resources/api_calls/"
    assert ("/quotas/resources/api_calls/", "api_calls") in results(reader, "Calls of")
    assert ("/operations/", "Operations") in results(reader, "operat")
    assert opened(reader, "/audit/?actor=maya") == "/audit/?actor=maya"
    assert ("/audit/?action=flag.turn_off", "flag.turn_off") in results(reader, "turn_off")
    assert ("/audit/?actor=maya.admin", "maya.admin") in results(reader, "maya")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tiers", "/quotas/tiers/"),
        ("Segments", "/flags/segments/"),
        ("sweep", "/sweep/"),
        ("dead let", "/operations/dead-letters/"),
        ("Actions", "/operations/actions/"),
        ("sessions", "/accounts/sessions/"),
    ],
)
def test_pages_that_the_rail_does_not_list_are_found(reader: Client, text: str, address: str) -> None:
    """Tiers, Segments, Sweep, Dead letters, Actions and one's own account are pages too, and the first of the list."""
    assert results(reader, text)[0][0] == address


def test_pages_of_another_role_are_not_offered(reader: Client) -> None:
    """A viewer is not sent to a page that answers 403."""
    assert results(reader, "import overrides") == [] and results(reader, "invite") == []


def test_an_address_is_found_without_its_first_slash(reader: Client) -> None:
    """As it is copied from a chat: a page, a breaker, a flag by its name, with slashes in the name too."""
    flag, nested = Flag.objects.create(name="new_player"), Flag.objects.create(name="web/new_player")
    Breaker.objects.create(name="gemini", config={})
    assert opened(reader, "quotas/tiers") == "/quotas/tiers/"
    assert opened(reader, "breakers/gemini/") == "/breakers/gemini/"
    assert opened(reader, "flags/new_player") == opened(reader, "/flags/new_player/") == f"/flags/{flag.pk}/"
    assert opened(reader, "web/new_player") == f"/flags/{nested.pk}/"


def test_the_page_says_which_operations_are_searched_by_title(reader: Client) -> None:
    """Titles of finished operations have no index that would keep the search fast: the page says so."""
    make_episode(title="Pilot about whales", status="published")
    page = reader.get("/search/?q=whales").content.decode()
    assert "Finished operations are found by id, not by title." in page


def test_a_request_leads_to_what_it_changed_and_was_refused(reader: Client) -> None:
    """The id that an error page, a response header or a log line shows."""
    made = entry("oscar", "flag.turn_off", "new-player", request_id="0f8d5a7e-request")
    Resource.objects.create(name="api_calls", kind="rate", title="Calls")
    Refusal.objects.create(
        resource="api_calls", user_id=MAYA, route="POST /episodes", request_id="0f8d5a7e-refused", source="tier",
        policy="closed",
    )  # fmt: skip
    assert (f"/audit/{made}/", "flag.turn_off new-player") in results(reader, "0f8d5a7e-request")
    assert (f"/quotas/users/{MAYA}/", "Refused: api_calls") in results(reader, "0f8d5a7e-refused")
    assert (f"/quotas/users/{MAYA}/", "POST /episodes") in results(reader, "/episodes")


def test_the_best_comes_first_across_kinds(reader: Client) -> None:
    """Whole words before parts: a person's name before a flag that holds it somewhere."""
    Flag.objects.create(name="flamayant")
    podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
    assert suggested(reader, "maya")[0] == (f"/quotas/users/{MAYA}/", "m.lindqvist@example.com")
    assert results(reader, "maya")[0][0] == f"/quotas/users/{MAYA}/"


def test_the_filter_of_a_list_is_not_in_the_search_box(reader: Client) -> None:
    """The box shows what was searched for, and a list's own text filter has the same name."""
    for path, shown in (("/search/?q=nothing", True), ("/audit/?q=nothing", False)):
        box = re.search(r'<input type="search" name="q" id="search" value="([^"]*)"', reader.get(path).content.decode())
        assert box is not None and (box[1] == "nothing") is shown


def test_more_leads_to_the_list(reader: Client) -> None:
    """Eight of a kind, then a link to the rest; without more, none."""
    for number in range(9):
        Flag.objects.create(name=f"checkout_{number}")
    page = reader.get("/search/?q=checkout").content.decode()
    assert len(re.findall(r'<a href="/flags/\d+/">', page)) == 8
    assert 'There are more. <a href="/flags/?q=checkout">' in page
    assert "There are more" not in reader.get("/search/?q=checkout_8x").content.decode()


def test_one_kind_that_fails_hides_no_other(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says which kind is missing."""

    def broken(*_: object) -> Iterator[searching.Hit]:
        raise OperationalError("canceling statement")
        yield

    Flag.objects.create(name="checkout")
    kinds = [(kind, broken if kind == "Users" else find) for kind, find in searching.KINDS]
    monkeypatch.setattr(searching, "KINDS", tuple(kinds))
    page = reader.get("/search/?q=check").content.decode()
    assert "Users: not available now." in page and ">checkout</a>" in page
    assert suggested(reader, "check")[0][1] == "checkout"


def test_a_slow_kind_is_cut_off(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """No search holds a page for longer than its limit."""

    def slow(*_: object) -> Iterator[searching.Hit]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        yield searching.Hit("User", "", "", "")

    monkeypatch.setattr(searching, "KIND_MS", 20)
    monkeypatch.setattr(searching, "KINDS", (("Users", slow),))
    assert "Users was not found within 0.02 s." in reader.get("/search/?q=check").content.decode()


@pytest.mark.parametrize(
    "text", ["", " ", "%", "'", "\x00", "a" * 5_000, "<script>", "/", "//", "/%00", "#1", "9" * 40, "/nowhere/"]
)
def test_any_text_is_answered(reader: Client, text: str) -> None:
    """Nothing that can be typed is an error, and nothing of it is markup."""
    Breaker.objects.create(name="gemini", config={})
    for path in ("/search/", "/search/suggestions/"):
        answer = reader.get(path, {"q": text})
        assert answer.status_code in (200, 303)
        assert b"<script>" not in answer.content.replace(b"<script defer", b"")


def test_a_path_never_leads_out_of_the_console(reader: Client) -> None:
    """What is opened at once is an address of the console."""
    for text in ("//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere.example"):
        assert not opened(reader, text)


def test_suggestions_are_few_and_end_with_all_results(reader: Client) -> None:
    """Ten at most, and the way to the page with everything."""
    for number in range(30):
        Flag.objects.create(name=f"checkout_{number}")
        Breaker.objects.create(name=f"checkout_{number}", config={})
    found = suggested(reader, "checkout")
    assert len(found) == 11
    assert found[-1][0] == "/search/?q=checkout"
