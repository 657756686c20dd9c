"""The segments' pages: who is meant, which flags use it, and what changing it touches."""

import pytest
from django.urls import reverse
from django.utils import timezone

from flags import segment_services, services
from flags.models import Presence, Segment, State
from ops_console.access.roles import Role
from tests import plain_form
from tests.people import actor, signed_in
from tests.plain_form import sent

pytestmark = pytest.mark.django_db

PRO = {"field": "tier", "operator": "IN", "values": ["pro"]}


@pytest.fixture
def segment() -> Segment:
    made = segment_services.create_segment(actor(), "payers", {"note": "Who pays.", "constraints": [PRO]})
    services.create(actor(), "player", {"rules": [{"segments": ["payers"]}]}, State.RULES)
    return made


def url(segment: Segment) -> str:
    return reverse("flags:segment", args=[segment.pk])


def test_the_list_says_who_is_meant_and_how_often_it_is_used(segment: Segment) -> None:
    """A segment with its constraints in words and the number of its flags."""
    body = signed_in(Role.VIEWER).get(reverse("flags:segments")).content.decode()
    assert "tier is one of pro" in body and "1 flag<" in body


def test_a_viewer_sees_no_editor(segment: Segment) -> None:
    """Words and the flags that use it; no form."""
    body = signed_in(Role.VIEWER).get(url(segment)).content.decode()
    assert ">player</a>" in body and 'id="editor"' not in body


def test_a_segment_is_made_without_a_script() -> None:
    """Name, note and a constraint that a button added become a segment; a taken name is refused at its field."""
    client = signed_in(Role.OPERATOR)
    new = reverse("flags:segment-new")
    fields = plain_form.fields_of(client.get(new).content.decode(), "editor")
    fields = plain_form.fields_of(client.post(new, sent(fields, do="add constraint")).content.decode(), "editor")
    typed = {"name": "beta", "constraint-0-field": "tier", "constraint-0-values": "pro"}
    assert client.post(new, sent(fields, **typed)).status_code == 303
    assert Segment.objects.get(name="beta").constraints == [PRO]
    again = client.post(new, sent(fields, **typed))
    assert again.status_code == 422 and "id_name_error" in again.content.decode()


def test_changing_one_shows_what_it_touches(segment: Segment) -> None:
    """Before saving: the flags and the users who change sides."""
    Presence.objects.create(user_id="1", seen_at=timezone.now(), attributes={"tier": "pro"})
    Presence.objects.create(user_id="2", seen_at=timezone.now(), attributes={"tier": "team"})
    client = signed_in(Role.OPERATOR)
    fields = plain_form.fields_of(client.get(url(segment)).content.decode(), "editor")
    typed = sent(fields, **{"constraint-0-values": "team"})
    drawn = client.post(url(segment), {**typed, "do": "preview"}).content.decode()
    assert "player: Turns on for 1, turns off for 1 of 2 users seen in the last day." in drawn
    assert client.post(url(segment), typed).status_code == 303
    segment.refresh_from_db()
    assert segment.constraints[0]["values"] == ["team"]


def test_one_that_a_protected_flag_uses_asks_for_its_name(segment: Segment) -> None:
    """The change is refused until a reason and the segment's name are typed."""
    services.create(actor(), "guarded", {"rules": [{"segments": ["payers"]}], "protected": True})
    client = signed_in(Role.OPERATOR)
    fields = plain_form.fields_of(client.get(url(segment)).content.decode(), "editor")
    typed = sent(fields, **{"constraint-0-values": "team"})
    assert client.post(url(segment), typed).status_code == 422
    assert client.post(url(segment), {**typed, "reason": "r", "typed_name": "payers"}).status_code == 303


def test_the_second_editor_sees_both_versions(segment: Segment) -> None:
    """A form that was read before somebody else's save answers 409 with both."""
    client = signed_in(Role.OPERATOR)
    fields = plain_form.fields_of(client.get(url(segment)).content.decode(), "editor")
    segment_services.edit_segment(actor(name="early"), segment.pk, {"note": "early note"}, segment.version)
    answer = client.post(url(segment), sent(fields, note="late note"))
    assert answer.status_code == 409
    assert "early note" in answer.content.decode() and "late note" in answer.content.decode()


def test_one_that_is_used_cannot_be_removed(segment: Segment) -> None:
    """Removing asks first and is refused, naming the flag; unused, it goes."""
    client = signed_in(Role.OPERATOR)
    gone = reverse("flags:segment-delete", args=[segment.pk])
    assert "Remove payers?" in client.get(gone).content.decode()
    refused = client.post(gone)
    assert refused.status_code == 422 and "player" in refused.content.decode()
    unused = segment_services.create_segment(actor(), "unused", {})
    assert client.post(reverse("flags:segment-delete", args=[unused.pk])).status_code == 303
    assert list(Segment.objects.values_list("name", flat=True)) == ["payers"]


def test_the_search_finds_segments(segment: Segment) -> None:
    """A segment's name in the one box opens its page."""
    answer = signed_in(Role.VIEWER).get(reverse("search"), {"q": "payers"})
    assert answer.status_code == 303 and answer.headers["Location"] == url(segment)
