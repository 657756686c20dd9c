"""A change that another session holds up is answered, queued, retried and shown."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from psycopg.pq import TransactionStatus

from flags import services
from flags.models import Flag, State
from incidents.breakers import services as breaker_services
from incidents.breakers.models import Breaker, Mode, Override
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.pending_changes.models import PendingChange
from ops_console.pending_changes.services import apply_pending
from tests.api.calling import calling
from tests.database import dsn
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = breaker_services.Order(Mode.FORCE_OPEN, "vendor asked", 600, 0)


@pytest.fixture
def flag() -> Flag:
    return Flag.objects.create(name="player")


@pytest.fixture
def holder(flag: Flag) -> Iterator[psycopg.Connection[Any]]:
    """Another session that holds the flag's row."""
    with psycopg.connect(dsn()) as session:
        session.execute("SELECT FROM ops.flags_flag FOR UPDATE")
        yield session


def by_page(flag: Flag) -> str:
    answer = signed_in(Role.OPERATOR).post(f"/flags/{flag.pk}/state/off/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    return str(answer.headers["HX-Trigger"])


def by_program(flag: Flag) -> str:
    answer = calling(Role.OPERATOR, ["flags:read", "flags:write"]).post(
        "/api/v1/flags/player/state", {"state": "off"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["summary"]) == (202, "Off for everyone")
    return str(answer.json()["message"])


def by_shell(flag: Flag) -> str:
    person(Role.OPERATOR)
    out = io.StringIO()
    call_command("flags", "off", "player", "--as", "oscar", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("switch", [by_page, by_program, by_shell])
def test_a_switch_that_is_held_up_is_answered_and_done_later(
    flag: Flag, holder: psycopg.Connection[Any], switch: Callable[[Flag], str]
) -> None:
    """It is answered while the lock is held, shown as pending, and done by its person when the lock is gone."""
    assert "is pending" in switch(flag)
    assert holder.info.transaction_status == TransactionStatus.INTRANS
    assert Entry.objects.latest("id").action == "flag.queue"
    assert "is pending" in signed_in(Role.VIEWER, "vera").get(f"/flags/{flag.pk}/").content.decode()
    listed = calling(Role.VIEWER, ["flags:read"]).get("/api/v1/flags/player").json()
    assert (listed["state"], listed["pending"]) == ("rules", "Off for everyone")
    holder.rollback()
    assert apply_pending() == 1
    entry = Entry.objects.get(action="flag.off")
    assert (Flag.objects.get().everyone, entry.actor) == (False, "oscar")
    assert "is pending" not in signed_in(Role.VIEWER, "vera").get(f"/flags/{flag.pk}/").content.decode()
    assert apply_pending() == 0


def test_a_retry_that_is_held_up_stays_pending(
    flag: Flag, holder: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker counts its attempts, and goes on."""
    monkeypatch.setattr("ops_console.pending_changes.services.RETRY_MILLISECONDS", 50)
    services.switch(actor(), flag, State.OFF)
    assert apply_pending() == 0
    assert PendingChange.objects.values_list("status", "attempts").get() == ("pending", 1)


def test_the_last_request_counts(flag: Flag, holder: psycopg.Connection[Any]) -> None:
    """Of two that are held up the later one is made, and the earlier one is not."""
    services.switch(actor(), flag, State.OFF)
    services.switch(actor(), flag, State.ON)
    holder.rollback()
    assert apply_pending() == 1
    assert Flag.objects.get().everyone is True
    assert list(PendingChange.objects.order_by("pk").values_list("status", flat=True)) == ["replaced", "done"]


def test_what_was_changed_meanwhile_is_not_overwritten(flag: Flag, holder: psycopg.Connection[Any]) -> None:
    """A later change that went through makes the queued one refused, with the reason in the audit."""
    services.switch(actor(), flag, State.OFF)
    holder.rollback()
    services.set_state(actor(), flag.pk, State.ON)
    assert apply_pending() == 1
    assert Flag.objects.get().everyone is True
    entry = Entry.objects.latest("id")
    assert (entry.action, entry.after["refused"]) == ("flag.refuse", "player was changed meanwhile.")


def test_who_lost_the_right_meanwhile_changes_nothing(flag: Flag, holder: psycopg.Connection[Any]) -> None:
    """A person who was made a viewer since is refused, as they would be now."""
    user = person(Role.OPERATOR)
    by_page(flag)
    holder.rollback()
    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
    assert apply_pending() == 1
    assert Flag.objects.get().everyone is None
    assert Entry.objects.latest("id").action == "flag.refuse"


def test_a_lock_that_the_commit_waits_for_is_no_exception(flag: Flag) -> None:
    """A deferred trigger waits at COMMIT: the change is queued all the same, and nothing of it is done."""
    with psycopg.connect(dsn(), autocommit=True) as owner, psycopg.connect(dsn()) as other:
        owner.execute(
            "CREATE TABLE ops.held (id int); INSERT INTO ops.held VALUES (1);"
            "CREATE FUNCTION ops.hold() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM FROM ops.held FOR UPDATE; RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON ops.flags_flag DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION ops.hold()"
        )
        try:
            other.execute("SELECT FROM ops.held FOR UPDATE")
            assert isinstance(services.switch(actor(), flag, State.OFF), PendingChange)
            assert Flag.objects.get().everyone is None
            other.rollback()
            assert apply_pending() == 1
            assert Flag.objects.get().everyone is False
        finally:
            other.rollback()
            owner.execute("DROP FUNCTION ops.hold() CASCADE; DROP TABLE ops.held")


def test_a_breakers_override_is_queued_too(flag: Flag) -> None:
    """The page says so, and the override is in force when the lock is gone."""
    Breaker.objects.create(name="gemini", config={"open_seconds": 1, "probe_seconds": 1})
    made = breaker_services.override(actor(), "gemini", ORDER)
    with psycopg.connect(dsn()) as holder:
        holder.execute("SELECT FROM ops.breakers_override FOR UPDATE")
        assert isinstance(breaker_services.submit_clear(actor(), "gemini", made.version), PendingChange)
        page = signed_in(Role.VIEWER).get("/breakers/gemini/").content.decode()
        assert "“By its own rules again” is pending" in page
        holder.rollback()
        assert apply_pending() == 1
    assert Override.objects.get().mode == ""
