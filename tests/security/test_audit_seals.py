"""`manage.py verify_audit` finds what was done to the audit by a role that may do everything, and names the entries."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from ops_console.audit.models import Entry, Seal, Unsealed
from ops_console.audit.sealing import seal_all, standing
from ops_console.audit.services import Target, record
from ops_console.audit.verification import CANONICAL, verify
from ops_console.retention import expire_all
from tests import database
from tests.audit_rows import past_entry, without_triggers
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def entries(count: int) -> list[int]:
    """So many entries of a service, with texts that JSON has to escape."""
    with transaction.atomic():
        return [
            record(SYSTEM, "flag.edit", Target("flag", str(n), f'ü "{n}"\n'), after={"percent": n + 0.5}).pk
            for n in range(count)
        ]


def sql(statement: str, *values: Any) -> None:
    """As a superuser around all triggers: the strongest attacker whose work the chain shows."""
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def verified() -> str:
    """What the command prints. Raises CommandError with the findings."""
    out = io.StringIO()
    try:
        call_command("verify_audit", stdout=out)
    except CommandError as error:
        raise CommandError(out.getvalue()) from error
    return out.getvalue()


def test_what_was_sealed_is_verified() -> None:
    """Two seals, an entry that waits, and the numbers of a transaction that was rolled back."""
    entries(3)
    seal_all()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(SYSTEM, "flag.edit", Target("flag", "1", "never"))
        raise ZeroDivisionError
    entries(2)
    seal_all()
    entries(1)
    assert verified().startswith("5 entries are as 2 seals say.")
    assert "1 new entries wait" in verified()


def test_nothing_is_sealed_where_nothing_was_written() -> None:
    """No seal is added for a quiet minute."""
    assert seal_all() == 0
    assert Seal.objects.count() == 0
    assert "Head: none yet" in verified()


ATTACKS: dict[str, tuple[Callable[[list[int]], None], str]] = {
    "removed": (lambda ids: sql("DELETE FROM ops.audit_entry WHERE id = %s", ids[1]), "Removed: {1}."),
    "removed before its seal": (
        lambda ids: (entries(1), sql("DELETE FROM ops.audit_entry WHERE id > %s", ids[-1]), seal_all()),
        "Removed: {after}.",
    ),
    "reason": (lambda ids: sql("UPDATE ops.audit_entry SET reason = 'x' WHERE id = %s", ids[0]), "Changed: {0}."),
    "json": (
        lambda ids: sql("UPDATE ops.audit_entry SET after = '{\"percent\": 1.50}' WHERE id = %s", ids[1]),
        "Changed: {1}.",
    ),
    "time": (
        lambda ids: sql("UPDATE ops.audit_entry SET at = at - interval '1 second' WHERE id = %s", ids[0]),
        "Changed: {0}.",
    ),
    "reordered": (
        lambda ids: sql(
            "UPDATE ops.audit_entry e SET action = o.action, target_id = o.target_id, target_label = o.target_label,"
            " after = o.after, at = o.at FROM ops.audit_entry o"
            " WHERE e.id IN (%s, %s) AND o.id IN (%s, %s) AND o.id <> e.id",
            ids[0], ids[1], ids[0], ids[1],
        ),
        "Changed: {0}-{1}.",
    ),
    "inserted": (
        lambda ids: sql(
            "INSERT INTO ops.audit_entry (id, at, source, actor, via, action, target_type, target_id, target_label,"
            " reason, request_id) VALUES (%s, now(), 'service', 'alice', 'web', 'flag.on', 'flag', '1', 'x', '', '')",
            ids[-1] + 1,
        ),
        "Inserted around the database's triggers: {after}.",
    ),
    "seal removed": (lambda ids: sql("DELETE FROM ops.audit_seal WHERE id = 1"), "Seals are missing: 1."),
    "seal changed": (
        lambda ids: sql("UPDATE ops.audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE id = 2"),
        "Seal 2 was changed.",
    ),
    "expiry forged": (
        lambda ids: (
            sql("DELETE FROM ops.audit_entry WHERE id = %s", ids[0]),
            sql("SELECT ops.append_seal('expiry', now(), int8multirange(int8range(%s, %s)), '')", ids[0], ids[0] + 1),
        ),
        "Removed: {0}.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_found_and_names_the_entries(attack: str) -> None:
    """Whatever is done around the triggers after the seal ends the command with 1."""
    ids = entries(2)
    seal_all()
    ids += entries(1)
    seal_all()
    verified()
    act, told = ATTACKS[attack]
    act(ids)
    with pytest.raises(CommandError) as raised:
        verified()
    assert told.format(*ids, after=ids[-1] + 1) in str(raised.value)


def test_an_entry_without_a_seal_is_found_after_five_minutes() -> None:
    """Sealing that stopped is a finding, as is an entry that claims a time to come."""
    past = past_entry(at=timezone.now() - timedelta(seconds=290))
    verified()
    late = past_entry(at=timezone.now() - timedelta(seconds=310))
    future = past_entry(at=timezone.now() + timedelta(days=1))
    with pytest.raises(CommandError, match=rf"more than 5 minutes: {late.pk}-{future.pk}\."):
        verified()
    assert past.pk < late.pk and standing().unsealed == 3


def test_expired_entries_are_no_finding() -> None:
    """Retention leaves seals without entries, and says in the chain which went; another removal is still found."""
    old = [past_entry(at=timezone.now() - timedelta(days=401)).pk for _ in range(3)]
    recent = past_entry(at=timezone.now() - timedelta(days=399)).pk
    seal_all()
    assert expire_all()["audit entries"] == 3
    assert verified().startswith("1 entries are as ")
    sql("DELETE FROM ops.audit_entry WHERE id = %s", recent)
    with pytest.raises(CommandError, match=rf"Removed: {recent}\."):
        verified()
    assert old[-1] < recent


def test_a_rewritten_chain_lacks_the_head_that_was_kept(tmp_path: Path, settings: Settings) -> None:
    """An owner can make a new chain that is consistent; the heads in the object store and in the log tell."""
    settings.AUDIT_HEAD_URL = f"file://{tmp_path}/heads"
    ids = entries(2)
    seal_all()
    (stored,) = (tmp_path / "heads").rglob("*.json")
    kept = json.loads(stored.read_text())
    assert (kept["seal"], kept["entries"], kept["head"]) == (1, 2, standing().head)
    verified()
    sql("DELETE FROM ops.audit_seal")
    sql("UPDATE ops.audit_entry SET reason = 'rewritten'")
    for number in ids:
        sql("INSERT INTO ops.audit_unsealed VALUES (%s)", number)
    settings.AUDIT_HEAD_URL = ""
    seal_all()
    verified()
    with pytest.raises(CommandError):
        call_command("verify_audit", "--head", kept["head"], stdout=io.StringIO())
    settings.AUDIT_HEAD_URL = f"file://{tmp_path}/heads"
    with pytest.raises(CommandError, match="is not in the chain"):
        verified()


def test_a_stored_head_is_replaced_by_none(tmp_path: Path, settings: Settings) -> None:
    """A chain that begins anew meets the old heads: the task fails, the entries are sealed all the same."""
    settings.AUDIT_HEAD_URL = f"file://{tmp_path}"
    entries(1)
    seal_all()
    sql("DELETE FROM ops.audit_seal")
    entries(1)
    with pytest.raises(OSError, match="AUDIT_HEAD_URL"):
        seal_all()
    assert not Unsealed.objects.exists()


@pytest.fixture
def late() -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn()) as opened:
        yield opened


def test_an_entry_that_commits_late_is_sealed(late: psycopg.Connection) -> None:
    """It has a lower number than entries that were sealed before it; a mark at the highest number would skip it."""
    late.execute(
        "INSERT INTO ops.audit_entry"
        " (source, actor, via, action, target_type, target_id, target_label, reason, request_id)"
        " VALUES ('service', 'a', 'web', 'x', 't', '1', '', '', '')"
    )
    entries(2)
    assert seal_all() == 2
    late.commit()
    assert seal_all() == 1
    assert verify().findings() == []


def test_the_database_hashes_what_the_command_reads() -> None:
    """One canonical form in two places: the function that seals, and the columns that the command hashes."""
    entries(2)
    past_entry(address="2001:db8::1", before={"b": [1, None, "\u2028"], "a": "x"}, reason="\t\x7f\\")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ops.audit_canonical(e), {CANONICAL} FROM ops.audit_entry e")
        assert all(first == second for first, second in cursor.fetchall())


def test_the_system_page_shows_the_seals(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """The last seal, its head and what waits, in the statement that reads PostgreSQL's version."""
    client = signed_in(Role.VIEWER)
    Entry.objects.latest("id")
    seal_all()
    head = standing().head
    page = client.get("/system/").content.decode()
    assert head in page and "Audit seals" in page
    past_entry(at=timezone.now() - timedelta(seconds=310))
    assert "have had no seal for more than 5 minutes" in client.get("/system/").content.decode()
    with django_assert_num_queries(1):
        standing()
