"""The audit's pages: filters, paging, both versions, what came round the console, CSV, retention."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from ops_console.access.models import User
from ops_console.audit.models import Entry
from ops_console.audit.services import Target, record
from ops_console.audit.words import action_in_words
from ops_console.retention import expire_all
from tests.audit_rows import past_entry
from tests.console.conftest import acting

SignedIn = Callable[[User], Client]


@pytest.fixture
def reader(viewer: User, signed_in: SignedIn) -> Client:
    return signed_in(viewer)


def entry(user: User, action: str, target: Target, **more: object) -> Entry:
    with transaction.atomic():
        return record(acting(user), action, target, **more)  # type: ignore[arg-type]


def shown(client: Client, query: str = "") -> str:
    answer = client.get(f"/audit/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?actor=admin", "one"),
        ("?action=flag.kill", "one"),
        ("?target_type=quota", "two"),
        ("?target_type=flag&target_id=3", "one"),
        ("?q=overload", "one"),
        ("?via=web&target_type=quota", "two"),
    ],
)
def test_filter_stands_in_the_url(admin: User, operator: User, reader: Client, query: str, found: str) -> None:
    """A link is a view: each filter shows what it names and not the other."""
    entry(admin, "flag.kill", Target("flag", "3", "label-one"), reason="overload of the encoder")
    entry(operator, "quota.raise", Target("quota", "4", "label-two"))
    page = shown(reader, query)
    assert [name for name in ("one", "two") if f"label-{name}" in page] == [found]


def test_time_window_is_a_filter(admin: User, reader: Client) -> None:
    """Entries of after the window are not shown."""
    entry(admin, "flag.kill", Target("flag", "3", "label-one"))
    past = (timezone.now() - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    assert "label-one" in shown(reader, f"?since={past}")
    assert "label-one" not in shown(reader, f"?until={past}")


def test_malformed_filter_names_its_field(admin: User, reader: Client) -> None:
    """A time that is none shows nothing and says so; it is no error of the console."""
    entry(admin, "flag.kill", Target("flag", "3", "label-one"))
    page = shown(reader, "?since=yesterday")
    assert "Enter a valid date/time" in page
    assert "label-one" not in page


def test_nul_byte_in_a_filter_is_no_fault(reader: Client) -> None:
    """PostgreSQL keeps no NUL: the text finds nothing, and is shown with a replacement character."""
    assert 'value="a\ufffdb"' in shown(reader, "?q=a%00b")


def test_pages_follow_one_another(admin: User, reader: Client) -> None:
    """Fifty a page, and the next one goes on where the first ended."""
    for number in range(60):
        entry(admin, "flag.edit", Target("flag", str(number), f"label-{number:02}"))
    first = reader.get("/audit/")
    assert "label-10" in first.content.decode()
    assert "label-09" not in first.content.decode()
    second = shown(reader, f"?cursor={first.context['page'].next}")
    assert "label-09" in second
    assert "label-10" not in second


def test_entry_shows_before_and_after(admin: User, reader: Client) -> None:
    """Both versions of what changed, who, and why."""
    made = entry(
        admin, "flag.edit", Target("flag", "3", "new-player"),
        before={"percent": 5}, after={"percent": 50}, reason="ramping up",
    )  # fmt: skip
    page = shown(reader, f"{made.pk}/")
    assert all(text in page for text in ("new-player", "ramping up", "<del>", "<ins>"))


def test_unknown_entry_is_404(reader: Client) -> None:
    """Gone or never there."""
    assert reader.get("/audit/999999/").status_code == 404


def test_entry_made_around_the_console_is_marked(reader: Client) -> None:
    """What psql did stands out in the list and on its page."""
    made = Entry.objects.create(
        source=Entry.Source.TRIGGER, actor="postgres", via="database", action="flag.update",
        target_type="flag", target_id="3", target_label="new-player", after={"percent": 100},
    )  # fmt: skip
    assert "Outside the console" in shown(reader)
    assert "directly in the database" in shown(reader, f"{made.pk}/")


def test_titles_are_escaped(admin: User, reader: Client) -> None:
    """A label with markup is text."""
    entry(admin, "flag.edit", Target("flag", "3", "<script>alert(1)</script>"), after={"note": "<b>bold</b>"})
    page = shown(reader)
    assert "<script>alert(1)" not in page
    assert "<b>bold" not in page


def test_csv_holds_what_is_shown_and_no_formula(admin: User, reader: Client) -> None:
    """The filter's rows, every column, and nothing that a spreadsheet would run."""
    entry(admin, "flag.edit", Target("flag", "3", "=HYPERLINK(1)"), after={"percent": 50})
    entry(admin, "quota.edit", Target("quota", "4", "other"))
    answer = reader.get("/audit/?target_type=flag&format=csv")
    body = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    (row,) = list(csv.DictReader(io.StringIO(body)))
    assert row["target_label"] == "'=HYPERLINK(1)"
    assert row["after"] == '{"percent": 50}'


def test_role_set_by_sql_is_recorded_without_the_hash(transactional_db: None) -> None:
    """A grant made with psql is in the audit, with the database role, and no password's hash is."""
    person = User.objects.create_user("ada", "ada@example.org", "a long enough password")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ops.access_user SET role='admin', is_staff=true, is_superuser=true, password='pbkdf2$' WHERE id=%s",
            [person.pk],
        )
    made = Entry.objects.latest("id")
    assert (made.source, made.action, made.after["role"]) == ("trigger", "person.update", "admin")
    assert made.after["password"] == "changed"
    assert "pbkdf2" not in str(list(Entry.objects.values()))


def test_entries_past_their_retention_leave(db: None) -> None:
    """The nightly task lets go of old entries and keeps the others."""
    old = timezone.now() - timedelta(days=500)
    for label, at in (("old", old), ("new", timezone.now())):
        past_entry(at=at, target_label=label)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ops.seal_audit()")
    assert expire_all()["audit entries"] == 1
    assert list(Entry.objects.values_list("target_label", flat=True)) == ["new"]


@pytest.mark.parametrize(
    ("action", "title"),
    [
        ("flag.off", "Flag turned off for everyone"),
        ("policy.set", "Tier limit changed"),
        ("segment.insert", "Segment created"),
        ("operations.retry", "Operations retried"),
        ("person.deactivate", "Person deactivated"),
        ("person.invite", "Person invited"),
        ("alert_rule.edit", "Alert rule changed"),
        ("made-up", "made-up"),
        ("odd.", "odd."),
    ],
)
def test_an_entry_is_named_in_words(action: str, title: str) -> None:
    """Codes are for filters and programs; whoever writes to the database may have invented one."""
    assert action_in_words(action) == title
