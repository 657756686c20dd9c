"""Roles and connections for tests that meet the database as a backend, or as the console, would."""

import os

import psycopg
from django.db import connection
from psycopg import sql

from ops_console.contract.grants import grant_backend, grant_console


def dsn(user: str | None = None) -> str:
    """The address of the test database, as `user` or as the role that tests run as."""
    given = connection.get_connection_params()
    host = given.get("host") or ""
    name = str(connection.settings_dict["NAME"])
    return psycopg.conninfo.make_conninfo(
        host=host,
        port=given.get("port"),
        user=user or given.get("user"),
        password=given.get("password"),
        dbname=name,
    )


def make_role(name: str) -> str:
    """A role of this test process: roles belong to the whole server, and several runs may share one."""
    role = f"{name}_{connection.settings_dict['NAME']}_{os.getpid()}"[:63]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    return role


def backend_role() -> str:
    """A role that was granted the contract and nothing else."""
    role = make_role("backend")
    grant_backend(role)
    return role


def console_role() -> str:
    """A role such as the console runs as: rows of its own tables, not the tables."""
    role = make_role("console")
    grant_console(role)
    return role


def drop_role(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
