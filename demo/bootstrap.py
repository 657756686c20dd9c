"""Makes the roles, the database and the podcast's tables: `python -m demo.bootstrap`, as a superuser."""

import os
from pathlib import Path

import psycopg
from psycopg import sql

from demo.dsn import BACKEND_ROLE, MAINTENANCE_DATABASE, connection_info, database_name

ROLES = ("ops_owner", "ops_console", "ops_foreign", BACKEND_ROLE)
SCHEMA = Path(__file__).with_name("schema.sql")
LAST_TABLE = "public.appsetting"
# Two processes that start at once must not both try to create the database.
LOCK_KEY = 7_062_551


def prepare(url: str) -> None:
    """Bring the roles, the database that `url` names and its tables into being; does nothing where they are.

    `url` names a superuser. Raises psycopg.Error when the server refuses.
    """
    database = database_name(url)
    with psycopg.connect(connection_info(url, database=MAINTENANCE_DATABASE), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        _make_roles(connection, connection.info.password)
        _make_database(connection, database)
        with psycopg.connect(connection_info(url, database=database)) as inside:
            _make_tables(inside)


def _make_roles(connection: psycopg.Connection, password: str) -> None:
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])
    for role in set(ROLES) - {name for (name,) in rows}:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if password:
            _set_password(connection, role, password)
    connection.execute("GRANT pg_signal_backend TO ops_console")


def _set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    # Hashed here, so that the server's log never sees the plain one.
    secret = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(secret)))


def _make_database(connection: psycopg.Connection, database: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(BACKEND_ROLE)}
    connection.execute(
        sql.SQL("CREATE DATABASE {database} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0").format(**names)
    )


def _make_tables(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT to_regclass(%s)", [LAST_TABLE]).fetchone() != (None,):
        return
    name = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO ops_owner").format(name))
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(BACKEND_ROLE)))
    connection.execute(SCHEMA.read_text())


if __name__ == "__main__":
    prepare(os.environ["DATABASE_URL"])
