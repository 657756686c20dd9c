"""The audit record: append-only, and aware of what comes round the services."""

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from flags.listed import set_listed
from flags.models import Flag
from ops_console.access import token_services
from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.audit.services import Target, record
from tests.people import actor, person

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_write_round_the_services_is_recorded(owner: psycopg.Connection) -> None:
    """Plain SQL on a flag leaves an entry with the database role, before and after."""
    Flag.objects.create(name="round")
    owner.execute("UPDATE ops.flags_flag SET everyone = true WHERE name = 'round'")
    entry = Entry.objects.latest("id")
    assert (entry.source, entry.action, entry.target_label) == ("trigger", "flag.update", "round")
    assert (entry.before["everyone"], entry.after["everyone"]) == (None, True)
    assert entry.actor == owner.info.user


@pytest.mark.parametrize(("before", "after"), [(5, 5.0), (5.0, 5), (True, 1)])
def test_a_change_of_a_json_type_is_recorded(owner: psycopg.Connection, before: object, after: object) -> None:
    """PostgreSQL calls 5 and 5.0 equal in jsonb; rules compare their text, so it is a change."""
    flag = Flag.objects.create(name="typed", rules=[before])
    owner.execute("UPDATE ops.flags_flag SET rules = %s WHERE id = %s", [Jsonb([after]), flag.pk])
    entry = Entry.objects.latest("id")
    assert entry.action == "flag.update"
    assert (repr(entry.before["rules"]), repr(entry.after["rules"])) == (repr([before]), repr([after]))


def test_a_recorded_change_is_not_recorded_twice() -> None:
    """A change whose service wrote an entry gets no second one from the trigger."""
    with transaction.atomic():
        flag = Flag.objects.create(name="once")
        record(SYSTEM, "flag.create", Target("flag", str(flag.pk), flag.name))
    assert Entry.objects.filter(target_label="once").count() == 1


def test_an_entry_covers_its_own_transaction_only(owner: psycopg.Connection) -> None:
    """After a service's transaction the same connection's plain SQL on the same flag is recorded."""
    with transaction.atomic():
        flag = Flag.objects.create(name="later")
        record(SYSTEM, "flag.create", Target("flag", str(flag.pk), "later"))
    Flag.objects.filter(pk=flag.pk).update(note="changed")
    assert Entry.objects.get(source="trigger", target_label="later").action == "flag.update"


def test_a_token_round_the_console_is_recorded(owner: psycopg.Connection) -> None:
    """A token that SQL plants or lets last longer leaves entries without its hash; a use and the service leave none."""
    new = token_services.create(actor(), "deploy", "viewer", ["flags:read"])
    owner.execute("UPDATE ops.access_apitoken SET last_used_at = now()")
    assert not Entry.objects.filter(source="trigger", target_type="token").exists()
    owner.execute("UPDATE ops.access_apitoken SET role = 'operator', expires_at = now() + interval '9 years'")
    entry = Entry.objects.get(source="trigger", target_type="token")
    assert (entry.action, entry.before["role"], entry.after["role"]) == ("token.update", "viewer", "operator")
    assert new.token.token_hash not in f"{entry.before}{entry.after}"


@pytest.mark.parametrize("statement", ["UPDATE ops.audit_entry SET actor = 'x'", "DELETE FROM ops.audit_entry"])
def test_even_the_owner_changes_no_entry(owner: psycopg.Connection, statement: str) -> None:
    """The trigger refuses the owner of the table too."""
    with transaction.atomic():
        record(SYSTEM, "flag.create", Target("flag", "0", "stays"))
    with pytest.raises(InsufficientPrivilege, match="never changed or removed"):
        owner.execute(statement)
    with pytest.raises(InsufficientPrivilege):
        owner.execute("TRUNCATE ops.audit_entry")


def test_an_entry_needs_its_transaction() -> None:
    """Recording outside a transaction is a mistake of ours, and fails."""
    with pytest.raises(RuntimeError, match="outside a transaction"):
        record(SYSTEM, "flag.create", Target("flag", "0", "alone"))


def test_listed_people_are_recorded_by_name(owner: psycopg.Connection) -> None:
    """Who is put into, or taken from, a flag's list with plain SQL stands in the flag's history."""
    flag, vera = Flag.objects.create(name="listed"), person(Role.VIEWER)
    owner.execute("INSERT INTO ops.flags_flag_users (flag_id, user_id) VALUES (%s, %s)", [flag.pk, vera.pk])
    owner.execute("DELETE FROM ops.flags_flag_users")
    entries = Entry.objects.filter(target_type="flag", target_id=str(flag.pk), action="flag.list").order_by("id")
    assert [(entry.before, entry.after) for entry in entries] == [
        ({"users": None}, {"users": "vera"}),
        ({"users": "vera"}, {"users": None}),
    ]


def test_lists_that_a_service_sets_are_recorded_once() -> None:
    """One entry with both lists, and none of the trigger's."""
    flag = Flag.objects.create(name="listed")
    Group.objects.create(name="beta")
    set_listed(actor(), flag, {"groups": ["beta"]})
    entry = Entry.objects.get(action="flag.list")
    assert (entry.source, entry.after) == ("service", {"groups": ["beta"], "users": []})
