from argparse import ArgumentParser
from typing import Any

import psycopg
from django.core.management.base import CommandError
from django.db import connection
from psycopg import sql

from incidents.operations.eligibility import why_verb_not
from incidents.operations.models import Verb
from incidents.operations.sources import SOURCES, Source
from incidents.operations.sources.indexes import invalid_indexes, missing_indexes
from incidents.operations.sources.schema import forget, tracked_kinds
from ops_client.dsn import normalised
from ops_client.errors import InvalidInput
from ops_console.audit import indexes as audit_indexes
from ops_console.directory import indexes as directory_indexes
from ops_console.directory import schema as directory_schema
from ops_console.directory.mapping import current as directory_mapping
from ops_console.web.visible import ConsoleCommand

ACTS = (Verb.RETRY, Verb.FAIL, Verb.RESOLVE, Verb.FREE)


class Command(ConsoleCommand):
    help = "Say what each source can do on the live schema and which indexes lists and searches lack; or make those."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["check", "create-indexes"])
        parser.add_argument("--dsn", default="", help="the tables' owner, for create-indexes; else DATABASE_URL's role")

    def handle(self, *args: Any, what: str, dsn: str, **options: Any) -> None:
        forget()
        directory_schema.forget()
        if what == "check":
            self._check()
        else:
            self._create(dsn or _own_dsn())

    def _check(self) -> None:
        for source in SOURCES.values():
            live = source.live()
            self.stdout.write(f"{source.kind} ({source.qualified_table})")
            self.stdout.write(f"  list: {source.why_not('list', live) or 'yes'}")
            for verb in ACTS:
                self.stdout.write(f"  {verb}: {why_verb_not(source, live, verb) or 'yes'}")
            for problem in source.problems(live):
                self.stdout.write(f"  - {problem.message} {problem.hint}")
            for statement in _statements(source):
                self.stdout.write(f"  {statement}")
        self._check_shared()
        for known in tracked_kinds().values():
            self.stdout.write(f"{known.kind} (tracked by its backend)\n  list, retry, fail, resolve, free: yes")

    def _check_shared(self) -> None:
        """The users' table and the audit are in no list of operations, but searches need their indexes too."""
        for title, missing in (
            (f"directory ({directory_mapping().table})", directory_indexes.statements()),
            ("audit (ops.audit_entry)", audit_indexes.statements()),
        ):
            self.stdout.write(f"{title}\n  search: {'an index is missing' if missing else 'yes'}")
            for statement in missing:
                self.stdout.write(f"  {statement}")

    def _create(self, dsn: str) -> None:
        """One by one, outside of any transaction; the backend goes on meanwhile."""
        backend = [statement for source in SOURCES.values() for statement in _statements(source)]
        backend += directory_indexes.statements()
        own = audit_indexes.statements()
        if not backend and not own:
            self.stdout.write("Every index is there.")
        self._run(dsn, backend)
        self._run(_own_dsn(), own)
        forget()
        directory_schema.forget()

    def _run(self, dsn: str, statements: list[str]) -> None:
        if not statements:
            return
        try:
            with psycopg.connect(normalised(dsn, "--dsn"), autocommit=True) as owner:
                owner.execute("SET statement_timeout = 0")
                for statement in statements:
                    self.stdout.write(statement)
                    owner.execute(sql.SQL(statement))
        except InvalidInput as error:
            raise CommandError(error.message) from error
        except psycopg.Error as error:
            raise CommandError(f"{error}".strip() + " Name the tables' owner with --dsn.") from error


def _statements(source: Source) -> list[str]:
    """What is to be run: an index whose making was broken off is dropped first."""
    live = source.live()
    if source.why_not("list", live):
        return []
    return [*invalid_indexes(source, live), *missing_indexes(source, live).values()]


def _own_dsn() -> str:
    given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    return psycopg.conninfo.make_conninfo(**{name: given[name] for name in names if given.get(name)})
