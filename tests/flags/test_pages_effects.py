"""What a change does is said in numbers before it is done; what is protected asks for a reason and its name."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flags import services
from flags.models import Flag, Presence, State
from ops_console.access.roles import Role
from tests import plain_form
from tests.people import actor, signed_in
from tests.plain_form import sent

pytestmark = pytest.mark.django_db

PRO = {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}


@pytest.fixture
def flag() -> Flag:
    people = [Presence(user_id=f"u{n}", seen_at=timezone.now(), attributes={"tier": "pro"}) for n in range(12)]
    people += [Presence(user_id=f"f{n}", seen_at=timezone.now(), attributes={"tier": "free"}) for n in range(30)]
    Presence.objects.bulk_create(people)
    return services.create(actor(), "player", {"rules": [PRO]}, State.RULES)


@pytest.fixture
def client() -> Client:
    return signed_in(Role.OPERATOR)


def posted(client: Client, flag: Flag, part: str = "rules", **changes: str) -> Any:
    url = reverse(f"flags:{part}", args=[flag.pk])
    fields = plain_form.fields_of(client.get(url).content.decode(), "editor")
    return client.post(url, sent(fields, **changes))


def test_the_editor_says_who_changes_sides(flag: Flag, client: Client) -> None:
    """Before saving: a rule for the others gains 30 and loses 12 of 42; nothing is saved by asking."""
    answer = posted(client, flag, do="preview", **{"rule-0-constraint-0-values": "free"})
    assert "Turns on for 30, turns off for 12 of 42 users seen in the last day." in answer.content.decode()
    flag.refresh_from_db()
    assert flag.rules == [PRO]


def test_a_preview_of_what_cannot_be_says_why(flag: Flag, client: Client) -> None:
    """An operator's value that cannot be read is told where the numbers would stand."""
    answer = posted(client, flag, do="preview", **{"rule-0-percent": "many"})
    assert answer.status_code == 200 and "percent" in answer.content.decode().split('id="effect"')[1][:900]


def test_htmx_gets_the_numbers_alone(flag: Flag, client: Client) -> None:
    """The live preview asks for its own element and gets nothing else."""
    url = reverse("flags:rules", args=[flag.pk])
    fields = plain_form.fields_of(client.get(url).content.decode(), "editor")
    headers = {"HX-Request": "true", "HX-Target": "effect"}
    body = client.post(url, sent(fields, do="preview"), headers=headers).content.decode()
    assert "Changes nothing for the 42 users" in body and "<form" not in body


def test_on_for_everyone_says_for_how_many(flag: Flag, client: Client) -> None:
    """The question before it names the users who get it."""
    page = client.get(reverse("flags:state", args=[flag.pk, "on"])).content.decode()
    assert "Turns on for 30 of 42 users seen in the last day." in page


def test_a_protected_flag_asks_for_reason_and_name(flag: Flag, client: Client) -> None:
    """On for everyone is refused at the fields until both are right; then it is done, with the reason."""
    services.edit(actor(), flag.pk, {"protected": True}, flag.version)
    url = reverse("flags:state", args=[flag.pk, "on"])
    assert "Type player to confirm" in client.get(url).content.decode()
    for body in ({}, {"reason": "launch"}, {"reason": "launch", "typed_name": "palyer"}, {"typed_name": "player"}):
        assert client.post(url, body).status_code == 422
    assert client.post(url, {"reason": "launch", "typed_name": "player"}).status_code == 303
    flag.refresh_from_db()
    assert flag.state == State.ON


def test_the_switch_of_a_protected_flag_asks_when_it_goes_on(flag: Flag, client: Client) -> None:
    """In the list, off is one click; back to its rules opens the question instead of being refused unseen."""
    services.edit(actor(), flag.pk, {"protected": True}, flag.version)
    off, rules = (reverse("flags:state", args=[flag.pk, state]) for state in ("off", "rules"))
    assert f'hx-post="{off}"' in client.get(reverse("flags:list")).content.decode()
    client.post(off)
    assert f'hx-get="{rules}"' in client.get(reverse("flags:list")).content.decode()


def test_a_protected_flag_is_turned_off_by_one_click(flag: Flag, client: Client) -> None:
    """The kill switch asks nothing; its notice offers no Undo that would be refused."""
    services.edit(actor(), flag.pk, {"protected": True}, flag.version)
    answer = client.post(reverse("flags:state", args=[flag.pk, "off"]), headers={"HX-Request": "true"})
    assert answer.status_code == 204 and '"undo_url": ""' in answer.headers["HX-Trigger"]
    flag.refresh_from_db()
    assert flag.state == State.OFF


def test_the_editor_of_a_protected_flag_asks_too(flag: Flag, client: Client) -> None:
    """Its rules are saved with a reason and the typed name only; what was typed is kept on refusal."""
    services.edit(actor(), flag.pk, {"protected": True}, flag.version)
    typed = {"rule-0-constraint-0-values": "free"}
    refused = posted(client, flag, **typed)
    assert refused.status_code == 422 and "id_typed_name_error" in refused.content.decode()
    assert posted(client, flag, **typed, reason="launch", typed_name="player").status_code == 303
    flag.refresh_from_db()
    assert flag.rules[0]["constraints"][0]["values"] == ["free"]


def test_archiving_says_when_it_was_last_asked_for(flag: Flag, client: Client) -> None:
    """The question before archiving tells that nobody asks for the flag."""
    page = client.get(reverse("flags:archive", args=[flag.pk])).content.decode()
    assert "No backend has asked for it" in page


def test_variants_are_edited_as_a_form(flag: Flag, client: Client) -> None:
    """Variants with payload, weights and an override are built by buttons and fields, and say whom they move."""
    url = reverse("flags:variants", args=[flag.pk])
    fields = plain_form.fields_of(client.get(url).content.decode(), "editor")
    for order in ("add variant", "add variant", "add variant-1-override"):
        fields = plain_form.fields_of(client.post(url, sent(fields, do=order)).content.decode(), "editor")
    typed = {"variant-0-name": "blue", "variant-0-weight": "1", "variant-1-name": "green", "variant-1-weight": "3"}
    typed |= {"variant-1-payload_type": "number", "variant-1-payload": "2.5", "variant-1-override-0-values": "u1\nu2"}
    drawn = client.post(url, sent(fields, **typed, do="preview")).content.decode()
    assert "75\u202f%" in drawn and "Gives another variant to 12 of 42 users" in drawn
    assert client.post(url, sent(fields, **typed)).status_code == 303
    flag.refresh_from_db()
    green = {"name": "green", "weight": 3, "payload": {"type": "number", "value": "2.5"}}
    green["overrides"] = [{"field": "user_id", "values": ["u1", "u2"]}]
    assert flag.variants == [{"name": "blue", "weight": 1}, green]
