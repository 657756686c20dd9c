"""Users in a directory, resources with policies, and a client with a backend's rights.

Made once a module and committed: tests keep apart by the users they make, and by resources of their own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from ops_client.client import OpsClient
from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from quotas.models import Override, Resource
from quotas.seed import seed
from quotas.services import Wanted, set_override
from quotas.settings_services import create_resource
from tests import database, people, podcast
from tests.flushing import empty_tables


@dataclass(frozen=True)
class Listener:
    """A user of the backend, as tests need one."""

    id: str
    email: str
    tier: str


MakeUser = Callable[..., Listener]


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database that is written to for real, emptied after the module's last test.

    Its tests are marked `django_db(transaction=True)`; what one of them leaves behind, the others find.
    """
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: None)
        yield
        podcast.empty_tables()
        empty_tables()


@pytest.fixture(scope="module")
def make_user(committed: None) -> MakeUser:
    """Puts a user into the directory."""

    def make(tier: str = "pro", email: str = "", name: str = "Hanna") -> Listener:
        user_id = str(uuid4())
        listener = Listener(user_id, email or f"hanna.{user_id[:8]}@example.com", tier)
        podcast.add_user(listener.id, listener.email, name, "Novak", tier)
        return listener

    return make


@pytest.fixture
def hanna(make_user: MakeUser) -> Listener:
    """A user of tier pro whom no other test has."""
    return make_user()


@pytest.fixture(scope="module")
def resources(committed: None) -> None:
    """One resource of each kind, with the tiers' policies."""
    seed()


@pytest.fixture
def make_resource(resources: None) -> Callable[..., Resource]:
    """A resource that no other test has."""

    def make(kind: str = "rate", **values: Any) -> Resource:
        given = {"title": "Of a test", "unit": "calls", "window_seconds": 60, "period": "month", **values}
        return create_resource(SYSTEM, f"test_{uuid4().hex[:8]}", kind, given)

    return make


@pytest.fixture(scope="module")
def backend_dsn(resources: None) -> Iterator[str]:
    """The address of the database for a role with nothing but a backend's rights."""
    role = database.backend_role()
    yield database.dsn(role)
    database.drop_role(role)


@pytest.fixture(scope="module")
def ops(backend_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpsClient]:
    """A client of such a backend."""
    saved = tmp_path_factory.mktemp("client") / "snapshot.json"
    with OpsClient(backend_dsn, service="tests", snapshot_path=saved) as client:
        yield client


@pytest.fixture
def allow(committed: None) -> Callable[..., Override]:
    """Gives a user a limit of their own, as an operator would."""

    def give(user: Listener, resource: str, limit: int | None, expires_at: Any = None, version: int = 0) -> Override:
        wanted = Wanted(limit, expires_at, "asked for by support", version)
        return set_override(people.actor(Role.OPERATOR), user.id, resource, wanted)

    return give
