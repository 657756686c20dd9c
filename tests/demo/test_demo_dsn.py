"""One URL names the server; roles and databases are seen through it."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from demo.dsn import connection_info, database_name


@pytest.mark.parametrize(
    "url",
    [
        "postgres://postgres@/podcast?host=/run/pg",
        "postgres://postgres@//run/pg/podcast",
        "host=/run/pg user=postgres dbname=podcast",
    ],
)
def test_socket_forms(url: str) -> None:
    """The forms of libpq and of Django name the same server, database and role."""
    assert conninfo_to_dict(connection_info(url)) == {"host": "/run/pg", "user": "postgres", "dbname": "podcast"}


def test_other_role() -> None:
    """Another role keeps server and password."""
    found = conninfo_to_dict(connection_info("postgres://a:p%40ss@db:5433/x", user="b", database="y"))
    assert found == {"host": "db", "port": "5433", "user": "b", "password": "p@ss", "dbname": "y"}


@pytest.mark.parametrize(
    ("url", "name"), [("postgres://h/postgres", "podcast"), ("postgres://h", "podcast"), ("postgres://h/x", "x")]
)
def test_database_name(url: str, name: str) -> None:
    """The podcast is never put into the maintenance database."""
    assert database_name(url) == name
