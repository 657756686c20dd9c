"""Migrations: named by what they do, and each with a way back."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from embedded import paths
from ops_console.contract.apply import unapplied_migrations
from tests import database

SCRATCH = "scratch"
NAMED = re.compile(r"\d{4}_[a-z][a-z0-9_]+")
VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = 'ops_v1' ORDER BY 1"
FUNCTIONS = "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'ops_v1'::regnamespace ORDER BY 1"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'ops' AND tablename LIKE %s"


def own_labels() -> list[str]:
    """Our apps that have migrations."""
    found = [app for app in apps.get_app_configs() if Path(app.path).is_relative_to(paths.ROOT)]
    return [app.label for app in found if not in_environment(app.path) and (Path(app.path) / "migrations").is_dir()]


def in_environment(path: str) -> bool:
    return Path(path).is_relative_to(paths.VENV)


def files() -> list[Path]:
    folders = [Path(apps.get_app_config(label).path) / "migrations" for label in own_labels()]
    return [file for folder in folders for file in folder.glob("[0-9]*.py")]


def test_migrations_are_named() -> None:
    """A name says what a migration does; Django's own guess, with a date in it, does not."""
    assert files()
    unnamed = [file for file in files() if not NAMED.fullmatch(file.stem) or "_auto_" in file.stem]
    assert not unnamed


@pytest.fixture
def scratch(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """An empty database of its own, known to Django by an alias."""
    name = f"scratch_{os.getpid()}"
    maintenance = psycopg.conninfo.make_conninfo(database.dsn(), dbname="postgres")
    with django_db_blocker.unblock(), psycopg.connect(maintenance, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}")
        connections.databases[SCRATCH] = {**connections.databases["default"], "NAME": name}
        yield SCRATCH
        connections[SCRATCH].close()
        connections[SCRATCH].close_pool()
        del connections[SCRATCH], connections.databases[SCRATCH]
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_every_migration_goes_back_and_forth(scratch: str) -> None:
    """Each app of ours can be taken back to nothing, and the next migrate restores it and the whole contract."""
    migrate()
    contract = column(VIEWS), column(FUNCTIONS)
    assert contract[0]
    for label in own_labels():
        migrate(label, "zero")
        assert column(TABLES, [f"{label}\\_%"]) == []
    migrate()
    assert unapplied_migrations(scratch) == []
    assert (column(VIEWS), column(FUNCTIONS)) == contract


def migrate(*arguments: str) -> None:
    call_command("migrate", *arguments, database=SCRATCH, verbosity=0, interactive=False)


def column(question: str, values: list[str] | None = None) -> list[str]:
    with connections[SCRATCH].cursor() as cursor:
        cursor.execute(question, values)
        return [value for (value,) in cursor.fetchall()]
