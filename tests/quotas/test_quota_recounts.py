"""Storage against what is really there: measured by the backend, shown, and corrected by an operator or at once."""

from collections.abc import Iterator

import pytest

from ops_client.client import OpsClient
from ops_client.errors import InvalidInput as ClientInvalidInput
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed, NotFound
from quotas import peaks, tasks
from quotas.models import Drift, Level, Recount
from quotas.storage_services import correct_level, request_recount
from tests import people
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def disk() -> dict[str, int]:
    """What is really stored, by user."""
    return {}


@pytest.fixture
def storage(make_resource) -> str:
    """A storage resource of this test's own."""
    return make_resource("storage", default_limit=10_000, unit="bytes").name


@pytest.fixture
def measuring(backend_dsn, disk, storage) -> Iterator[OpsClient]:
    """A backend that can measure it."""
    client = OpsClient(backend_dsn, service="measuring", snapshot_path=None)
    client.quotas.measure(storage, lambda user_id: disk if user_id is None else {user_id: disk.get(user_id, 0)})
    with client:
        yield client


def counted(resource: str, user_id: str = "") -> Recount:
    """The last request, once it is answered."""

    def answered() -> Recount | None:
        last = peaks.last_recount(resource, user_id)
        return last if last and last.finished_at else None

    return until(answered, 30, "the backend's answer")


def test_one_user_is_recounted_now(measuring, ops, hanna, disk, storage):
    """A wrong level is shown within seconds of the request, and an operator corrects it, with an audit entry."""
    ops.quotas.reserve(storage, hanna.id, 1_000).commit()
    disk[hanna.id] = 700
    request_recount(people.actor(Role.OPERATOR), storage, hanna.id)
    assert (counted(storage, hanna.id).drifted, ops.quotas.peek(storage, hanna.id).used) == (1, 1_000)
    (drift,) = peaks.drifts(storage)
    assert (drift.user_id, drift.used, drift.measured) == (hanna.id, 1_000, 700)
    assert correct_level(people.actor(Role.OPERATOR), storage, hanna.id) == 700
    assert (ops.quotas.peek(storage, hanna.id).used, peaks.drifts(storage)) == (700, [])
    entry = Entry.objects.filter(action="storage.correct").latest("id")
    assert (entry.before, entry.after) == ({"used": 1_000}, {"used": 700})


def test_what_was_stored_since_stays_when_it_is_corrected(measuring, ops, hanna, disk, storage):
    """A correction changes a level by what differed, so that an upload after the measuring is not lost."""
    ops.quotas.reserve(storage, hanna.id, 1_000).commit()
    disk[hanna.id] = 700
    request_recount(people.actor(Role.OPERATOR), storage, hanna.id)
    counted(storage, hanna.id)
    ops.quotas.reserve(storage, hanna.id, 50).commit()
    assert correct_level(people.actor(Role.OPERATOR), storage, hanna.id) == 750


def test_everybody_is_measured_and_who_has_nothing_left_too(measuring, ops, make_user, disk, storage):
    """A recount of all finds levels that are too low, too high, and of users whose files are gone; right ones pass."""
    low, high, gone, right = (make_user() for _ in range(4))
    for user in (high, gone, right):
        ops.quotas.reserve(storage, user.id, 100).commit()
    disk.update({low.id: 40, high.id: 60, right.id: 100})
    request_recount(people.actor(Role.ADMIN), storage)
    done = counted(storage)
    assert (done.measured, done.drifted, done.skipped, done.error) == (4, 3, 0, "")
    assert {(drift.user_id, drift.measured) for drift in peaks.drifts(storage)} == {
        (low.id, 40), (high.id, 60), (gone.id, 0)
    }  # fmt: skip


def test_a_recount_may_correct_at_once(measuring, ops, hanna, disk, storage):
    """With `correct` the level becomes what was measured, and nothing is left to show."""
    disk[hanna.id] = 321
    request_recount(people.actor(Role.ADMIN), storage, correct=True)
    counted(storage)
    assert (ops.quotas.peek(storage, hanna.id).used, peaks.drifts(storage)) == (321, [])


def test_whoever_is_storing_meanwhile_is_left_for_the_next_time(measuring, ops, hanna, disk, storage):
    """A reservation that is open makes level and measure of two moments: skipped, and told."""
    with ops.quotas.reserve(storage, hanna.id, 100):
        disk[hanna.id] = 100
        request_recount(people.actor(Role.OPERATOR), storage, hanna.id)
        done = counted(storage, hanna.id)
    assert (done.drifted, done.skipped, peaks.drifts(storage)) == (0, 1, [])


def test_a_measure_that_fails_changes_nothing(backend_dsn, ops, hanna, storage):
    """The backend's error is kept with the request, and no level follows from half a measuring."""
    ops.quotas.reserve(storage, hanna.id, 100).commit()
    client = OpsClient(backend_dsn, service="failing", snapshot_path=None)
    client.quotas.measure(storage, lambda user_id: 1 / 0)
    request_recount(people.actor(Role.ADMIN), storage, correct=True)
    with client:
        assert counted(storage).error == "ZeroDivisionError: division by zero"
    assert Level.objects.get(resource=storage).used == 100


def test_every_night_everybody_is_asked_for_once(storage, ops):
    """The nightly task asks for each storage resource, and not again while a request waits."""
    tasks.recount_storage()
    tasks.recount_storage()
    assert Recount.objects.filter(resource=storage, user_id="", finished_at=None).count() == 1


def test_who_may_ask_for_what(hanna, storage):
    """A viewer recounts nobody, an operator one user, an admin everybody; and only of what is stored."""
    with pytest.raises(NotAllowed):
        request_recount(people.actor(Role.VIEWER), storage, hanna.id)
    with pytest.raises(NotAllowed):
        request_recount(people.actor(Role.OPERATOR), storage)
    with pytest.raises(NotAllowed):
        correct_level(people.actor(Role.VIEWER), storage, hanna.id)
    with pytest.raises(InvalidInput, match="api_calls is no storage"):
        request_recount(people.actor(Role.OPERATOR), "api_calls", hanna.id)
    with pytest.raises(NotFound):
        request_recount(people.actor(Role.OPERATOR), storage, "nobody")
    with pytest.raises(NotFound):
        correct_level(people.actor(Role.OPERATOR), storage, hanna.id)
    assert not Drift.objects.filter(resource=storage).exists()


def test_one_measure_a_resource(measuring, storage):
    """A second function for one resource is an error, not a silent replacement."""
    with pytest.raises(ClientInvalidInput, match="measured already"):
        measuring.quotas.measure(storage, lambda user_id: {})
