"""Roles and connections for tests that meet the database as a backend, or as the console, would."""

import os

import psycopg
from django.db import connection
from psycopg import sql

from ops_console import foreign
from ops_console.contract.grants import foreign_statements, grant_backend, grant_console, grant_foreign


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
    """A role such as the console runs as: rows of its own tables, not the tables; and able to end foreign sessions."""
    role = make_role("console")
    grant_console(role)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(foreign.role()), sql.Identifier(role)))
    return role


def grant_foreign_role() -> None:
    """The role for the backend's tables, which the whole server shares, with its rights in this database."""
    role = foreign.role()
    with connection.cursor() as cursor:
        # Several processes begin at once, each in its own database: an advisory lock is one database's, a role is not.
        create = sql.SQL("DO $$ BEGIN CREATE ROLE {} LOGIN; EXCEPTION WHEN {} THEN NULL; END $$")
        taken = sql.SQL("duplicate_object OR unique_violation")
        cursor.execute(create.format(sql.Identifier(role), taken))
        grant_foreign(role)
        for statement in foreign_statements():
            cursor.execute(sql.SQL("{} TO {}").format(sql.SQL(statement), sql.Identifier(role)))


def drop_role(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
