"""Django's admin: one transaction, one entry with before and after, the services' rules, and nothing that leaks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from flags.models import Flag
from ops_console import admin_base
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.admin_base import BoundedListAdmin, ServiceModelAdmin
from ops_console.audit.models import Entry
from tests.console.conftest import make_person

SignedIn = Callable[[User], Client]
USERS = "/admin/access/user/"
FLAGS = "/admin/flags/flag/"


@pytest.fixture
def here(admin: User, signed_in: SignedIn) -> Client:
    return signed_in(admin)


@pytest.fixture
def flag(db: None, settings: Any) -> Flag:
    """A flag, and the page that stands for it in tests/console/admin_urls.py."""
    settings.ROOT_URLCONF = "tests.console.admin_urls"
    return Flag.objects.create(name="new-player", note="")


def flag_form(flag: Flag, **changes: object) -> dict[str, object]:
    return {"name": flag.name, "percent": "", "note": flag.note, "version": flag.version, **changes}


def person_form(user: User, **changes: object) -> dict[str, object]:
    fields = {"username": user.username, "email": user.email, "role": user.role, "first_name": "", "last_name": ""}
    active = {"is_active": "on"} if user.is_active else {}
    form = fields | active | changes
    return {name: value for name, value in form.items() if value is not None}


def test_role_granted_here_is_recorded(here: Client, viewer: User) -> None:
    """A role grant in the admin stands in the audit, before and after, with its door."""
    here.post(f"{USERS}{viewer.pk}/change/", person_form(viewer, role="admin"))
    made = Entry.objects.latest("id")
    assert (made.action, made.before["role"], made.after["role"]) == ("person.update", "viewer", "admin")
    assert (made.via, made.actor) == ("admin", "admin")
    assert User.objects.get(pk=viewer.pk).is_superuser


def test_group_membership_is_part_of_the_entry(here: Client, viewer: User) -> None:
    """A many-to-many change is one with its form, in one entry."""
    group = Group.objects.create(name="beta")
    here.post(f"{USERS}{viewer.pk}/change/", person_form(viewer, groups=[group.pk]))
    made = Entry.objects.latest("id")
    assert (made.before["groups"], made.after["groups"]) == ([], ["beta"])


def test_save_without_a_change_records_nothing(here: Client, viewer: User) -> None:
    """Pressing Save is no change."""
    here.post(f"{USERS}{viewer.pk}/change/", person_form(viewer))
    assert not Entry.objects.exists()


def test_last_admin_stays_here_too(here: Client, admin: User) -> None:
    """The service's rule holds through this door: refused, and nothing is changed or recorded."""
    refused = here.post(f"{USERS}{admin.pk}/change/", person_form(admin, role="viewer"))
    assert refused.status_code == 422
    assert User.objects.get(pk=admin.pk).role == Role.ADMIN
    assert not Entry.objects.exists()


def test_deactivated_here_is_out_at_once(here: Client, signed_in: SignedIn, operator: User) -> None:
    """The tick mark does what the Access page's button does."""
    theirs = signed_in(operator)
    here.post(f"{USERS}{operator.pk}/change/", person_form(operator, is_active=None))
    assert theirs.get("/audit/").status_code == 302


def test_added_person_has_no_password(here: Client) -> None:
    """Somebody added here can do nothing before they get a link."""
    here.post(f"{USERS}add/", {"username": "ada", "email": "a@example.org", "role": "viewer", "is_active": "on"})
    assert not User.objects.get(username="ada").has_usable_password()
    assert Entry.objects.latest("id").action == "person.create"


def test_deletion_is_recorded_with_what_was(here: Client, viewer: User) -> None:
    """A deleted row's fields are in its entry."""
    here.post(f"{USERS}{viewer.pk}/delete/", {"post": "yes"})
    made = Entry.objects.latest("id")
    assert (made.action, made.target_id, made.before["username"]) == ("person.delete", str(viewer.pk), "viewer")


def test_deletion_of_many_records_each(here: Client) -> None:
    """The list's own action goes the same way, row by row."""
    people = [make_person(Role.VIEWER, name) for name in ("one", "two")]
    form = {"action": "delete_selected", "_selected_action": [user.pk for user in people], "post": "yes"}
    here.post(USERS, form)
    assert sorted(Entry.objects.values_list("target_label", flat=True)) == ["one", "two"]
    assert set(Entry.objects.values_list("action", flat=True)) == {"person.delete"}


def test_no_password_hash_on_a_page_or_in_an_entry(here: Client, viewer: User) -> None:
    """Neither shown nor recorded."""
    here.post(f"{USERS}{viewer.pk}/change/", person_form(viewer, role="operator"))
    shown = here.get(f"{USERS}{viewer.pk}/change/").content.decode()
    assert viewer.password not in shown + str(list(Entry.objects.values()))


def test_history_is_the_audit(here: Client, viewer: User) -> None:
    """One record of changes, not two."""
    assert here.get(f"{USERS}{viewer.pk}/history/").headers["Location"] == (
        f"/audit/?target_type=person&target_id={viewer.pk}"
    )


def test_secrets_and_unused_tables_are_not_listed(here: Client) -> None:
    """Second factors, sessions, switches and samples have no page here."""
    index = here.get("/admin/").content.decode().lower()
    assert not [
        word for word in ("authenticator", "usersession", "/switch/", "/sample/", "emailaddress") if word in index
    ]


def test_every_table_that_can_be_changed_here_goes_through_the_audit(admin: User, rf: RequestFactory) -> None:
    """A model is registered by ServiceModelAdmin, or nobody can add, change or delete its rows."""
    request = rf.get("/admin/")
    request.user = admin
    around = [
        model._meta.label
        for model, page in django_admin.site._registry.items()
        if not isinstance(page, ServiceModelAdmin)
        and any(page.get_model_perms(request)[may] for may in ("add", "change", "delete"))
    ]
    assert around == []


def test_bad_next_does_not_lead_away(client: Client, db: None) -> None:
    """The admin's sign-in hands on to ours, which goes nowhere else."""
    answer = client.get("/admin/login/?next=https://evil.example/")
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_save_raises_the_version(here: Client, flag: Flag) -> None:
    """An edit here is an edit: whoever holds the older version will be told."""
    here.post(f"{FLAGS}{flag.pk}/change/", flag_form(flag, note="slow start"))
    assert Flag.objects.get().version == flag.version + 1


def test_edit_of_an_older_version_is_a_conflict(here: Client, flag: Flag) -> None:
    """The second of two sees both versions, and nothing is overwritten."""
    here.post(f"{FLAGS}{flag.pk}/change/", flag_form(flag, note="first"))
    refused = here.post(f"{FLAGS}{flag.pk}/change/", flag_form(flag, note="second"))
    assert refused.status_code == 409
    assert all(note in refused.content.decode() for note in ("first", "second"))
    assert refused.content.decode().count('class="their-change"') == 1
    assert Flag.objects.get().note == "first"


def test_users_and_groups_of_a_flag_are_in_its_entry(here: Client, flag: Flag, viewer: User) -> None:
    """Its many-to-many fields are saved and recorded with the form, in one transaction."""
    group = Group.objects.create(name="beta")
    here.post(f"{FLAGS}{flag.pk}/change/", flag_form(flag, users=[viewer.pk], groups=[group.pk]))
    made = Entry.objects.get()
    assert (made.after["users"], made.after["groups"]) == (["viewer"], ["beta"])


def test_refusal_of_the_service_undoes_everything(here: Client, flag: Flag, viewer: User) -> None:
    """Row, many-to-many fields and entry go together, or not at all."""
    refused = here.post(f"{FLAGS}{flag.pk}/change/", flag_form(flag, note="refuse", users=[viewer.pk]))
    assert refused.status_code == 422
    assert Flag.objects.get().note == ""
    assert not Flag.objects.get().users.exists()
    assert not Entry.objects.exists()


def test_action_is_recorded_row_by_row(here: Client, flag: Flag) -> None:
    """A bulk update inside an action is seen all the same, and rows that it did not change are not named."""
    killed = Flag.objects.create(name="killed", everyone=False)
    here.post(FLAGS, {"action": "kill", "_selected_action": [flag.pk, killed.pk]})
    made = Entry.objects.get()
    assert (made.action, made.target_label, made.after["everyone"]) == ("flag.kill", "new-player", False)


def test_action_on_all_that_match_is_recorded(here: Client, flag: Flag) -> None:
    """So is the one that goes beyond the page shown."""
    Flag.objects.create(name="another")
    here.post(FLAGS, {"action": "kill", "_selected_action": [flag.pk], "select_across": "1", "index": "0"})
    assert Entry.objects.count() == 2


def test_every_list_is_bounded(db: None) -> None:
    """No table counts itself to its end, in a list or for a facet."""
    others = [model for model, page in django_admin.site._registry.items() if not isinstance(page, BoundedListAdmin)]
    assert others == []


def test_a_list_counts_and_pages_its_first_rows_only(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound it says so, and no page reads further."""
    monkeypatch.setattr(admin_base, "MOST_ROWS", 60)
    Group.objects.bulk_create(Group(name=f"group {n:02}") for n in range(80))
    with CaptureQueriesContext(connection) as asked:
        body = here.get("/admin/auth/group/?_facets=True").content.decode()
    counts = [one["sql"] for one in asked if "COUNT(" in one["sql"]]
    assert counts and all("LIMIT 60" in sql for sql in counts)
    assert "The first 60 groups" in " ".join(body.split())
    assert here.get("/admin/auth/group/?p=2").status_code == 200
    assert here.get("/admin/auth/group/?p=3").status_code == 302
    assert "The first" not in here.get("/admin/auth/group/?q=group+1").content.decode()


def test_an_action_on_all_stops_at_the_bound(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """All would be more rows than the list has counted."""
    monkeypatch.setattr(admin_base, "MOST_ROWS", 60)
    Group.objects.bulk_create(Group(name=f"group {n:02}") for n in range(80))
    chosen = Group.objects.values_list("pk", flat=True)[:1]
    form = {"action": "delete_selected", "_selected_action": chosen, "select_across": "1", "index": "0", "post": "yes"}
    answer = here.post("/admin/auth/group/", form, follow=True)
    assert "An action takes fewer than 60 rows" in answer.content.decode()
    assert Group.objects.count() == 80
