from collections.abc import Iterator

import psycopg
import pytest

from tests import database


@pytest.fixture
def backend(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection with the rights of a backend."""
    role = database.backend_role()
    with psycopg.connect(database.dsn(role), autocommit=True) as connection:
        yield connection
    database.drop_role(role)


@pytest.fixture
def console(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection with the rights that the console runs with."""
    role = database.console_role()
    with psycopg.connect(database.dsn(role), autocommit=True) as connection:
        yield connection
    database.drop_role(role)


@pytest.fixture
def owner(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection of the role that owns the tables."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection
