"""Operators' overrides: who may, what is recorded, and who was first."""

import pytest

from incidents.breakers import queries, services
from incidents.breakers.models import Breaker, Mode, Override
from incidents.breakers.services import Order
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.contract.models import Revision
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.people import actor

pytestmark = pytest.mark.django_db

CONFIG = {"open_seconds": 60, "probe_seconds": 30}


@pytest.fixture(autouse=True)
def gemini() -> Breaker:
    return Breaker.objects.create(name="gemini", config=CONFIG)


def order(**values: object) -> Order:
    return Order(**{"mode": Mode.FORCE_OPEN, "reason": "vendor asked", "seconds": 3600, "version": 0} | values)  # type: ignore[arg-type]


def test_an_order_is_in_force_and_audited() -> None:
    """Mode, expiry and who gave it stand in the row; the audit has before, after and the reason."""
    services.override(actor(), "gemini", order())
    [standing] = queries.overrides_in_force()
    assert (standing.mode, standing.actor, standing.version) == ("force_open", "oscar", 1)
    entry = Entry.objects.get(target_type="breaker")
    assert entry.before["mode"] == "" and entry.after["mode"] == "force_open" and entry.reason == "vendor asked"


def test_a_viewer_may_not() -> None:
    """The service itself refuses; nothing is written."""
    with pytest.raises(NotAllowed):
        services.override(actor(Role.VIEWER), "gemini", order())
    assert not Override.objects.exists()


@pytest.mark.parametrize("wrong", [{"mode": "off"}, {"reason": "  "}, {"seconds": 0}, {"seconds": 10**9}])
def test_what_cannot_be_ordered_is_refused(wrong: dict[str, object]) -> None:
    """An unknown mode, no reason, no time or too much of it: the field is named."""
    with pytest.raises(InvalidInput) as refused:
        services.override(actor(), "gemini", order(**wrong))
    assert refused.value.field == next(iter(wrong))


def test_an_unknown_breaker_is_not_found() -> None:
    """Nobody forces a breaker that does not exist."""
    with pytest.raises(NotFound):
        services.override(actor(), "gemimi", order())


def test_the_second_of_two_sees_both_versions() -> None:
    """Whoever read an older version gets a Conflict with what stands and what they wanted."""
    services.override(actor(), "gemini", order())
    with pytest.raises(Conflict) as conflict:
        services.override(actor(), "gemini", order(mode=Mode.DISABLED))
    assert conflict.value.current["mode"] == "force_open" and conflict.value.current["version"] == 1
    assert conflict.value.submitted["mode"] == Mode.DISABLED


def test_taking_it_back_ends_it_and_is_audited() -> None:
    """After clear nothing is in force; the version goes on, so that an old form cannot act on it."""
    made = services.override(actor(), "gemini", order())
    cleared = services.clear(actor(), "gemini", made.version)
    assert list(queries.overrides_in_force()) == []
    assert cleared.version == 2
    assert Entry.objects.latest("id").action == "breaker.clear_override"
    with pytest.raises(Conflict):
        services.clear(actor(), "gemini", 1)


def test_an_expired_order_is_not_in_force() -> None:
    """Past its expiry it counts for nothing, though its row stands."""
    services.override(actor(), "gemini", order(seconds=0.000001))
    assert list(queries.overrides_in_force()) == []
    assert queries.breaker("gemini").is_calm


@pytest.mark.django_db(transaction=True)
def test_an_order_reaches_every_process() -> None:
    """It raises the revision."""
    before = Revision.objects.get().revision
    services.override(actor(), "gemini", order())
    assert Revision.objects.get().revision == before + 1
