from collections.abc import Callable, Iterator

import psycopg
import pytest

from ops_client.breaker.machine import BreakerConfig
from ops_client.testing import FakeClock
from tests import database
from tests.incidents.breakers.nodes import TWO, Node

MakeNode = Callable[..., Node]


@pytest.fixture
def node(backend_dsn: str) -> Iterator[MakeNode]:
    """Makes processes of a backend that know the breaker `gemini` and have applied its shared state."""
    made: list[Node] = []

    def make(config: BreakerConfig = TWO, clock: FakeClock | None = None) -> Node:
        made.append(Node(backend_dsn, config, clock))
        made[-1].publish()
        made[-1].read()
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def owner(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection of the role that owns the tables."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection
