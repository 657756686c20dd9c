"""A podcast database of these tests' own, beside whatever else stands on the server."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from demo.bootstrap import prepare
from demo.database import Database
from demo.dsn import BACKEND_ROLE, MAINTENANCE_DATABASE, connection_info
from demo.seed import seed


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A superuser's URL of a bootstrapped, empty podcast database; dropped at the end."""
    name = f"demo_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    url = connection_info(os.environ["DATABASE_URL"], database=name)
    _drop(url, name)
    prepare(url)
    yield url
    _drop(url, name)


@pytest.fixture(scope="session")
def empty(server_url: str) -> str:
    """Connection string of the backend's role."""
    return connection_info(server_url, user=BACKEND_ROLE)


@pytest.fixture(scope="session")
def seeded(empty: str) -> str:
    """The same database, filled."""
    assert seed(empty)
    return empty


@pytest.fixture
def database(seeded: str) -> Iterator[Database]:
    """The backend's own pool on the filled database."""
    database = Database(seeded)
    database.open()
    yield database
    database.close()


@pytest.fixture
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a server that is not there."""
    return connection_info("", host=str(tmp_path_factory.mktemp("none")), user="nobody", database="none")


def _drop(url: str, name: str) -> None:
    with psycopg.connect(connection_info(url, database=MAINTENANCE_DATABASE), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
