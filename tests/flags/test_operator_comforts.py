"""A flag's pages: who changed it meanwhile, whom Why means, copies, blank weights, reach while it is off."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from flags import effects, services
from flags.editor import documents
from flags.editor.rows import parse
from flags.models import Flag, Presence, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests import podcast
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db

MAYA = "11111111-1111-4111-8111-111111111111"
HALF = [{"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}]


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"rules": HALF, "note": "old"}, State.OFF)


@pytest.fixture
def client() -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def people() -> None:
    Presence.objects.bulk_create(
        Presence(user_id=f"u{n}", seen_at=timezone.now(), attributes={"tier": "pro" if n < 3 else "free"})
        for n in range(10)
    )


def test_a_conflict_names_who_changed_what_and_when(flag: Flag, client: Client) -> None:
    """Both changes since the version that was read, in words, the newest first; not those before."""
    services.edit(actor(Role.ADMIN), flag.pk, {"owner": "growth"}, flag.version, "handed over")
    services.set_state(actor(name="vladimir"), flag.pk, State.RULES)
    sent = {"version": flag.version, "note": "mine", "kind": "release", "reason": ""}
    answer = client.post(f"/flags/{flag.pk}/settings/", sent)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert page.index("<strong>vladimir</strong>") < page.index("<strong>alice</strong>")
    assert "off for everyone</del>" in page and "by its rules</ins>" in page
    assert "growth" in page and "handed over" in page
    assert page.count('class="their-change"') == 2
    assert f'datetime="{Entry.objects.latest("id").at.isoformat()}"' in page


def test_changes_that_a_conflict_lists_are_bounded(flag: Flag, client: Client) -> None:
    """Fifty edits meanwhile are five in the dialog."""
    for number in range(50):
        services.edit(actor(), flag.pk, {"note": str(number)}, flag.version + number)
    sent = {"version": flag.version, "note": "mine", "kind": "release", "reason": ""}
    assert client.post(f"/flags/{flag.pk}/settings/", sent).content.decode().count('class="their-change"') == 5


def test_why_refuses_an_id_that_nobody_has(flag: Flag, client: Client) -> None:
    """A typing mistake must not be answered as if it were somebody."""
    answer = client.get(f"/flags/{flag.pk}/why/", {"user": "no-such-user"})
    assert answer.status_code == 422
    assert "No user has the id no-such-user" in answer.content.decode()
    assert 'class="answer"' not in answer.content.decode()


def test_why_offers_the_user_whose_mail_was_typed(flag: Flag, client: Client) -> None:
    """An operator knows mails, a backend passes ids."""
    podcast.add_user(MAYA, "maya@example.com", "Maya", "Lindqvist", "pro")
    page = client.get(f"/flags/{flag.pk}/why/", {"user": "Maya@Example.com"}).content.decode()
    assert "is a mail address, not a user id" in page
    assert f'<a href="?user={MAYA}">Use Maya Lindqvist' in page
    assert client.get(f"/flags/{flag.pk}/why/", {"user": MAYA}).status_code == 200


def test_why_takes_whom_a_backend_has_seen_and_anybody_without_a_directory(
    flag: Flag, client: Client, people: None, settings: object
) -> None:
    """Backends also pass ids of their own; and a directory that cannot be read refuses nobody."""
    assert client.get(f"/flags/{flag.pk}/why/", {"user": "u1"}).status_code == 200
    settings.DIRECTORY = settings.DIRECTORY | {"TABLE": "public.gone"}  # type: ignore[attr-defined]
    assert client.get(f"/flags/{flag.pk}/why/", {"user": MAYA}).status_code == 200


def test_a_blank_weight_is_one(flag: Flag, client: Client) -> None:
    """The placeholder says 1; it was saved as 0, and nobody got the variant."""
    sent = [
        ("variant-0-name", ["a"]),
        ("variant-0-weight", [""]),
        ("variant-1-name", ["b"]),
        ("variant-1-weight", ["0"]),
    ]
    found = documents.variants(parse(sent))
    assert [variant["weight"] for variant in found] == [1, 0]


def test_reach_is_previewed_while_a_flag_is_off(flag: Flag, people: None) -> None:
    """Off for everyone: its page and its editor say for whom it would be on by its rules."""
    assert (
        effects.reach(flag) == "Off for everyone. By its rules it would be on for 3 of 10 users seen in the last day."
    )
    effect = effects.of_change(flag, {"rules": [{"name": "all"}]})
    assert (effect.turned_on, effect.turned_off) == (0, 0)
    assert effect.words == "Changes nothing for the 10 users seen in the last day."
    assert effect.notes == (
        "The flag is off for everyone. By its rules as edited it would be on for 10 of 10 users seen in the last day.",
    )


def test_reach_without_anybody_seen(flag: Flag) -> None:
    """No number is made up."""
    assert effects.reach(flag) == "No backend told of any user in the last day."
    assert effects.of_change(flag, {"rules": []}).notes == ()


def test_a_flag_is_duplicated(flag: Flag, client: Client) -> None:
    """A copy under another name, off, with an entry of its own."""
    path = f"/flags/{flag.pk}/copy/"
    assert "player_copy" in client.get(path).content.decode()
    taken = client.post(path, {"name": "player", "reason": ""})
    assert taken.status_code == 422 and "There is a flag named player already" in taken.content.decode()
    made = client.post(path, {"name": "player_2", "reason": "next try"})
    copy = Flag.objects.get(name="player_2")
    assert made.headers["Location"] == f"/flags/{copy.pk}/rules/"
    assert (copy.rules, copy.note, copy.state) == (flag.rules, "old", State.OFF)
    assert Entry.objects.latest("id").reason == "next try"
    assert path in client.get(f"/flags/{flag.pk}/").content.decode()
    assert path not in signed_in(Role.VIEWER).get(f"/flags/{flag.pk}/").content.decode()


def test_an_old_presence_is_nobody_seen(flag: Flag) -> None:
    """Reach counts the last day only."""
    Presence.objects.create(user_id="old", seen_at=timezone.now() - timedelta(days=3), attributes={"tier": "pro"})
    assert effects.reach(flag) == "No backend told of any user in the last day."
