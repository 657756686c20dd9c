"""A podcast database of these tests' own, beside whatever else stands on the server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import LiteralString

import psycopg
import pytest
from httpx import Client
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from uvicorn import Config, Server

from demo.app import create_app
from demo.backend import make_backend
from demo.bootstrap import prepare
from demo.database import Database
from demo.dsn import BACKEND_ROLE, MAINTENANCE_DATABASE, connection_info
from demo.seed import seed
from ops_client.client import OpsClient
from ops_client.testing import MemoryStore
from tests.waiting import until


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A superuser's URL of a bootstrapped podcast database; dropped at the end."""
    with _database("pristine") as url:
        prepare(url)
        yield url


@pytest.fixture(scope="session")
def pristine(server_url: str) -> str:
    """Connection string, as the backend's role, of a database that was filled and is only read."""
    conninfo = connection_info(server_url, user=BACKEND_ROLE)
    seed(conninfo)
    return conninfo


@pytest.fixture(scope="session")
def seeded(pristine: str) -> Iterator[str]:
    """The same as a copy, to write to."""
    with _database("used", template=conninfo_to_dict(pristine)["dbname"]) as url:
        yield connection_info(url, user=BACKEND_ROLE)


@pytest.fixture
def database(seeded: str) -> Iterator[Database]:
    """The backend's own pool on the filled database."""
    database = Database(seeded)
    database.open()
    yield database
    database.close()


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a server that is not there."""
    return connection_info("", host=str(tmp_path_factory.mktemp("none")), user="nobody", database="none")


@pytest.fixture(scope="session")
def shared() -> MemoryStore:
    """What the console would have put into the shared database."""
    return MemoryStore()


@pytest.fixture(scope="package")
def client(seeded: str, shared: MemoryStore) -> Iterator[Client]:
    """The backend on the filled database."""
    with _served(seeded, shared) as client:
        yield client


@pytest.fixture(scope="package")
def lost_client(nowhere: str) -> Iterator[Client]:
    """The backend with no database at all."""
    shared = MemoryStore()
    shared.away = True
    with _served(nowhere, shared) as client:
        yield client


@contextmanager
def _served(conninfo: str, shared: MemoryStore) -> Iterator[Client]:
    ops = OpsClient(service="podcast-test", store=shared, snapshot_path=None)
    server = Server(Config(create_app(make_backend(conninfo, ops)), port=0, log_level="critical"))
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client
    server.should_exit = True
    thread.join()


@contextmanager
def _database(purpose: str, template: object = None) -> Iterator[str]:
    name = f"demo_{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    url = connection_info(os.environ["DATABASE_URL"], database=name)
    _run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    if template:
        _run("CREATE DATABASE {} TEMPLATE {} OWNER podcast_backend", name, str(template))
    yield url
    _run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _run(statement: LiteralString, *names: str) -> None:
    url = connection_info(os.environ["DATABASE_URL"], database=MAINTENANCE_DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
