"""What quotas do while the database is away: each resource's own policy, counted, and told when it is back."""

from typing import Any
from uuid import uuid4

import pytest

from ops_client.errors import InvalidInput, StoreLate, StoreUnavailable
from ops_client.part import Runtime
from ops_client.quotas.client import QuotaClient
from ops_client.quotas.decide import Source
from ops_client.quotas.guard import QuotaExceeded
from ops_client.testing import FakeClock

ROW = {"name": "api", "kind": "rate", "window_seconds": 60, "default_limit": 3, "allow_unlimited": False}


class Store:
    """Away until told otherwise; counts how often it was asked, and keeps what it was told."""

    def __init__(self) -> None:
        self.away = True
        self.asked = 0
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {}

    def fetch(self, name: str, **params: Any) -> list[dict[str, Any]]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")
        return [self.answer]

    def execute(self, name: str, **params: Any) -> int:
        if self.away:
            raise StoreUnavailable("away")
        self.told.append((name, params))
        return 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def quotas(store: Store, clock: FakeClock) -> QuotaClient:
    return QuotaClient(Runtime("tests", clock, store, lambda: None, uuid4()))


def know(quotas: QuotaClient, policy: str, **values: Any) -> None:
    """What the last snapshot said of the resource."""
    quotas.apply({"quota_resources": [{**ROW, "failure_policy": policy, **values}]}, 1)


def test_open_lets_everything_through(quotas):
    """A resource that is open limits nobody while it cannot be asked for, and the answer says so."""
    know(quotas, "open")
    decision = quotas.hit("api", "u1", cost=1_000)
    assert (decision.allowed, decision.limit, decision.policy) == (True, None, "open: database away")


def test_closed_refuses_as_unavailable(quotas):
    """A resource that is closed refuses, and not as if the user had used it up."""
    know(quotas, "closed")
    with pytest.raises(StoreUnavailable, match="api cannot be asked for"):
        quotas.hit("api", "u1")


def test_local_counts_in_this_process(quotas, clock):
    """A resource that is local holds its default in each process, in any window."""
    know(quotas, "local")
    answers = [quotas.hit("api", "u1") for _ in range(4)]
    assert [decision.allowed for decision in answers] == [True, True, True, False]
    assert answers[3].retry_after_seconds > 0
    assert quotas.hit("api", "u2").allowed
    clock.advance(63.1)
    assert quotas.hit("api", "u1").allowed


def test_local_goes_by_the_limit_that_was_last_in_force(quotas, store, clock):
    """A user whose limit was seen while the database answered keeps it while it does not."""
    know(quotas, "local")
    store.away = False
    store.answer = {
        "kind": "rate", "limit_value": 5, "source": "override", "policy": "override", "shadow": False,
        "allowed": True, "window_seconds": 60, "used": 1, "reset_seconds": 60.0, "retry_seconds": 0.0,
        "cost": 1, "trial_limit": None,
    }  # fmt: skip
    quotas.hit("api", "u1")
    store.away = True
    clock.advance(1.1)
    answers = [quotas.hit("api", "u1") for _ in range(6)]
    assert sum(decision.allowed for decision in answers) == 5
    assert answers[0].source is Source.OVERRIDE


def test_nothing_known_is_open(quotas):
    """A process that has never seen the database limits nobody."""
    assert quotas.hit("api", "u1").allowed


def test_only_the_first_call_waits(quotas, store, clock):
    """After one failure the database is left alone for a second, and asked again after it."""
    for _ in range(5):
        quotas.hit("api", "u1")
    assert store.asked == 1
    clock.advance(1.1)
    quotas.hit("api", "u1")
    assert store.asked == 2


def test_nobody_waits_beside_the_call_that_asks_again(quotas, store, clock, monkeypatch):
    """While one call finds out whether the database is back, the others are answered without it."""
    quotas.hit("api", "u1")
    clock.advance(1.1)
    inner: list[Any] = []
    fetch = store.fetch

    def slow(name: str, **params: Any) -> list[dict[str, Any]]:
        inner.append(quotas.hit("api", "u2"))
        return fetch(name, **params)

    monkeypatch.setattr(store, "fetch", slow)
    quotas.hit("api", "u1")
    assert [decision.policy for decision in inner] == ["open: database away"]
    assert store.asked == 2


def test_what_was_decided_alone_is_told_later(quotas, store):
    """Decisions without the database are counted, kept while they cannot be told, and told once."""
    know(quotas, "open")
    for _ in range(3):
        quotas.hit("api", "u1")
    with pytest.raises(StoreUnavailable):
        quotas._tell()
    store.away = False
    quotas._tell()
    quotas._tell()
    assert [(name, params["count"], params["failure_policy"]) for name, params in store.told] == [
        ("quota_report_failures", 3, "open")
    ]


def test_a_reservation_of_an_open_resource_holds_nothing(quotas, store):
    """What could not be reserved is let through and neither committed nor released."""
    know(quotas, "open", kind="storage")
    with quotas.reserve("api", "u1", 100) as reservation:
        assert reservation.id is None
    assert store.asked == 1


def test_a_user_id_that_no_database_keeps_is_named(quotas):
    """Half a surrogate pair, which any JSON can carry, is bad input and no error of the database's driver."""
    with pytest.raises(InvalidInput, match="user_id"):
        quotas.hit("api", "\ud800")


OTHER = {**ROW, "name": "bytes", "kind": "storage", "failure_policy": "open"}


def test_several_at_once_go_by_each_ones_policy(quotas):
    """Without the database an open one lets through and a local one counts; nothing is held of either."""
    quotas.apply({"quota_resources": [{**ROW, "failure_policy": "local"}, OTHER]}, 1)
    with quotas.all_of({"api": 2, "bytes": 100}, "u1") as together:
        assert together.decisions["bytes"].policy == "open: database away"
        assert together.held["bytes"].id is None
    assert quotas.hit("api", "u1").remaining == 0


def test_several_at_once_take_nothing_where_one_refuses(quotas):
    """A local refusal counts nothing of the other local resource, and a closed one refuses before anything counts."""
    second = {**ROW, "name": "second", "default_limit": 1}
    quotas.apply({"quota_resources": [{**ROW, "failure_policy": "local"}, {**second, "failure_policy": "local"}]}, 1)
    with pytest.raises(QuotaExceeded) as refusal:
        quotas.all_of({"api": 1, "second": 2}, "u1")
    assert refusal.value.decision.resource == "second"
    assert quotas.hit("api", "u1").remaining == 2
    quotas.apply({"quota_resources": [{**ROW, "failure_policy": "local"}, {**second, "failure_policy": "closed"}]}, 2)
    with pytest.raises(StoreUnavailable, match="second"):
        quotas.all_of({"api": 1, "second": 1}, "u1")
    assert quotas.hit("api", "u1").remaining == 1


def test_a_snapshot_of_an_older_contract_has_the_defaults(quotas):
    """A saved configuration that knows no deadline and no cost still decides."""
    know(quotas, "local")
    assert quotas.hit("api", "u1").remaining == 2


def test_how_many_waited_until_the_deadline_is_told(quotas, store, monkeypatch):
    """Of the decisions without the database, those after a wait that was too long are counted apart."""
    know(quotas, "open")

    def late(name: str, **params: Any) -> list[dict[str, Any]]:
        raise StoreLate("too late")

    monkeypatch.setattr(store, "fetch", late)
    quotas.hit("api", "u1")
    quotas.hit("api", "u1")
    monkeypatch.undo()
    store.away = False
    quotas._tell()
    assert [(params["count"], params["late"]) for _, params in store.told] == [(2, 1)]
