"""Flags in Django's admin: the services' rules and one audit entry, lists of users included."""

import pytest
from django.urls import reverse

from flags import segment_services, services
from flags.models import Flag, Segment, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db


def form(flag: Flag, **changes: object) -> dict[str, object]:
    fields = {"name": flag.name, "everyone": "false", "percent": "", "note": "", "owner": "", "languages": ""}
    return {**fields, "kind": "release", "rules": "[]", "version": flag.version, **changes}


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {})


def change_url(flag: Flag) -> str:
    return reverse("admin:flags_flag_change", args=[flag.pk])


def test_a_save_here_is_one_entry_with_listed_users(flag: Flag) -> None:
    """Percentage and users changed together are one entry, by the admin's door, and raise the version."""
    listed = person(Role.VIEWER, "listed")
    answer = signed_in(Role.ADMIN).post(change_url(flag), form(flag, percent="12.5", users=[listed.pk]))
    assert answer.status_code == 302, answer.content.decode()
    entry = Entry.objects.latest("id")
    assert (entry.via, entry.action, entry.after["users"]) == ("admin", "flag.update", ["listed"])
    flag.refresh_from_db()
    assert (str(flag.percent), flag.version) == ("12.50", 2)


@pytest.mark.parametrize(("field", "value"), [("percent", "101"), ("rules", '[{"telepathy": 1}]')])
def test_what_a_service_refuses_is_refused_here(flag: Flag, field: str, value: str) -> None:
    """A value that cannot be comes back at its field, and nothing is saved."""
    answer = signed_in(Role.ADMIN).post(change_url(flag), form(flag, **{field: value}))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    flag.refresh_from_db()
    assert flag.version == 1


def test_an_operator_is_kept_out(flag: Flag) -> None:
    """Django's admin is for admins."""
    assert signed_in(Role.OPERATOR).get(change_url(flag)).status_code == 403


def test_a_protected_flag_is_only_turned_off_here(flag: Flag) -> None:
    """The admin asks for no reason: it may turn a protected flag off, and is refused everything else."""
    services.edit(actor(), flag.pk, {"protected": True}, 1)
    services.set_state(actor(), flag.pk, State.RULES, "why", "player")
    flag.refresh_from_db()
    changes = {"protected": "on", "everyone": "unknown"}
    refused = signed_in(Role.ADMIN).post(change_url(flag), form(flag, **changes, percent="50"))
    assert refused.status_code == 422
    flag.refresh_from_db()
    assert (flag.percent, flag.everyone) == (None, None)
    answer = signed_in(Role.ADMIN).post(change_url(flag), form(flag, **changes | {"everyone": "false"}))
    assert answer.status_code == 302, answer.content.decode()
    flag.refresh_from_db()
    assert flag.everyone is False


def test_what_others_need_is_not_deleted(flag: Flag) -> None:
    """A parent of other flags, and a segment that rules name, stay."""
    segment = segment_services.create_segment(actor(), "pros", {})
    services.create(actor(), "child", {"prerequisites": [{"flag": "player"}], "rules": [{"segments": ["pros"]}]})
    for page, pk in (("flags_flag", flag.pk), ("flags_segment", segment.pk)):
        answer = signed_in(Role.ADMIN).post(reverse(f"admin:{page}_delete", args=[pk]), {"post": "yes"})
        assert answer.status_code == 422
    assert (Flag.objects.count(), Segment.objects.count()) == (2, 1)
