"""Who may what in the database: the backend's role on the contract, the console's role on its own tables, and the role
that the console uses for the backend's tables: on those, and on the views and functions of `ops_sources`.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import ProgrammingError, connections, transaction
from django.dispatch import Signal
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from ops_console.contract.models import Grantee
from ops_console.errors import InvalidInput, NotAllowed

logger = logging.getLogger(__name__)
PARTS = Path(__file__).parent / "v1"
# Of a backend's sessions, where they set nothing else.
BACKEND_DEFAULTS = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s", "lock_timeout": "10s"}
_GRANT_LINE = re.compile(r"^-- (backend|foreign): (GRANT .+)$", re.MULTILINE)

# Apps that read or write the backend's own tables answer with a list of ForeignGrant.
console_needs = Signal()


@dataclass(frozen=True)
class ForeignGrant:
    """A privilege on a table of the backend's, with its columns: `SELECT`, `public."user"`, `("id", "email")`.

    Without columns it is one of the whole table, such as MAINTAIN.
    """

    privilege: str
    table: str
    columns: tuple[str, ...]

    def statement(self) -> str:
        if not self.columns:
            return f"GRANT {self.privilege} ON {self.table}"
        columns = ", ".join(f'"{column}"' for column in self.columns)
        return f"GRANT {self.privilege} ({columns}) ON {self.table}"


def parts() -> list[Path]:
    """The contract's SQL files in the order in which they are applied."""
    return sorted(PARTS.glob("*.sql"))


def backend_statements() -> list[str]:
    """What a backend's role is given: each part says it beside its views, in lines `-- backend: GRANT ...`."""
    return _statements_for("backend")


def source_statements() -> list[str]:
    """What the role of the backend's tables is given of ours, from lines `-- foreign: GRANT ...`."""
    return _statements_for("foreign")


def _statements_for(whom: str) -> list[str]:
    return [text for part in parts() for name, text in _GRANT_LINE.findall(part.read_text()) if name == whom]


def own_statements() -> list[str]:
    """What the console's role needs on its own tables: rows, never the tables; of the audit only reading and adding."""
    return [
        "GRANT USAGE ON SCHEMA ops, ops_v1, ops_sources",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ops",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA ops",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ops_v1",
        "GRANT EXECUTE ON FUNCTION ops.expire_audit(), ops.seal_audit(), ops.fold_config_changes()",
        "GRANT SELECT ON ALL TABLES IN SCHEMA ops_sources",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ops_sources",
    ]


def own_revocations() -> list[str]:
    return [
        "REVOKE UPDATE, DELETE ON ops.audit_entry",
        "REVOKE INSERT, UPDATE, DELETE ON ops.audit_seal, ops.audit_unsealed, ops.audit_retention",
        "REVOKE INSERT, UPDATE, DELETE ON ops.django_migrations",
        # Whoever is named there is granted by the owner at the next migrate.
        "REVOKE INSERT, UPDATE, DELETE ON ops.contract_grantee",
    ]


def server_statements(role: str, kind: Grantee.Kind, using: str = "default") -> list[str]:
    """What a superuser should run once for a role, as far as it has not been done.

    The console ends backend sessions that hold it up. A backend's limits are defaults, no boundary: its sessions may
    set other time limits. Only at its first grant, so that what somebody sets later stays.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'), current_setting('max_connections')::int"
            " FROM pg_roles r WHERE r.rolname = %s",
            [role],
        )
        may_signal, connections_of_all = cursor.fetchone()
    if kind == Grantee.Kind.CONSOLE:
        return [] if may_signal else [f"GRANT pg_signal_backend TO {_quoted(role)}"]
    if Grantee.objects.using(using).filter(role=role).exists():
        return []
    database = _quoted(connections[using].settings_dict["NAME"])
    limit = f"ALTER ROLE {_quoted(role)} CONNECTION LIMIT {connections_of_all * 4 // 5}"
    settings = [f"{name} = '{value}'" for name, value in BACKEND_DEFAULTS.items()]
    return [limit, *(f"ALTER ROLE {_quoted(role)} IN DATABASE {database} SET {setting}" for setting in settings)]


def foreign_statements() -> list[str]:
    """What the role of the backend's tables needs on them, column by column."""
    answers: list[tuple[Any, Any]] = console_needs.send(sender=None)
    grants: list[ForeignGrant] = [grant for _, answer in answers for grant in answer]
    usage = ["GRANT USAGE ON SCHEMA public"] if grants else []
    return usage + sorted({grant.statement() for grant in grants})


def foreign_sql(console: str, role: str) -> str:
    """What the owner of the backend's tables has to run, as SQL to read first: `role` gets what it needs on them.

    The console's own role keeps none there.
    """
    tables = sorted({statement.rpartition(" ON ")[2] for statement in foreign_statements() if "(" in statement})
    statements = [f"{statement} TO {_quoted(role)};" for statement in foreign_statements()]
    revoked = [f"REVOKE ALL ON {table} FROM {_quoted(console)};" for table in tables]
    return "\n".join([*statements, *revoked])


def grant_console(role: str, using: str = "default") -> list[str]:
    """Give the console's role its own tables, and remember it. Returns what a superuser still has to run.

    Raises InvalidInput if there is no such role, NotAllowed unless the owner is connected.
    """
    with _granting(using) as cursor:
        require_role(role, using)
        for statement in own_statements():
            cursor.execute(f"{statement} TO {_quoted(role)}")
        for statement in own_revocations():
            cursor.execute(f"{statement} FROM {_quoted(role)}")
        refused = _run_allowed(server_statements(role, Grantee.Kind.CONSOLE, using), using)
        Grantee.objects.using(using).update_or_create(role=role, defaults={"kind": Grantee.Kind.CONSOLE})
    return refused


def grant_foreign(role: str, using: str = "default") -> None:
    """Give a role what it needs of ours to be the one that reads and writes the backend's tables, and remember it.

    Raises InvalidInput if there is no such role, NotAllowed unless the owner is connected.
    """
    with _granting(using) as cursor:
        require_role(role, using)
        for statement in source_statements():
            cursor.execute(f"{statement} TO {_quoted(role)}")
        Grantee.objects.using(using).update_or_create(role=role, defaults={"kind": Grantee.Kind.FOREIGN})


def renew_grants(using: str = "default") -> None:
    """Grant again to everybody who was granted before: views made anew have lost theirs, new tables have none.

    A role that the server has no longer, or not yet after a restore, must not stop a migration: it is left out.
    """
    grant = {
        Grantee.Kind.BACKEND: grant_backend,
        Grantee.Kind.CONSOLE: grant_console,
        Grantee.Kind.FOREIGN: grant_foreign,
    }
    for known in Grantee.objects.using(using).order_by("role"):
        try:
            grant[Grantee.Kind(known.kind)](known.role, using)
        except InvalidInput as error:
            logger.warning("Nothing was granted: %s", error.message)


def grant_backend(role: str, using: str = "default") -> list[str]:
    """Give a role the contract, and remember it. Returns what a superuser still has to run.

    Raises InvalidInput if there is no such role, NotAllowed unless the owner is connected.
    """
    with _granting(using) as cursor:
        require_role(role, using)
        for statement in backend_statements():
            cursor.execute(f"{statement} TO {_quoted(role)}")
        refused = _run_allowed(server_statements(role, Grantee.Kind.BACKEND, using), using)
        Grantee.objects.using(using).update_or_create(role=role, defaults={"kind": Grantee.Kind.BACKEND})
    return refused


def _run_allowed(statements: list[str], using: str) -> list[str]:
    """Run each; those that the connected role may not run are returned."""
    refused = []
    for statement in statements:
        try:
            with transaction.atomic(using=using), connections[using].cursor() as cursor:
                cursor.execute(statement)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, InsufficientPrivilege):
                raise
            refused.append(statement)
    return refused


@contextmanager
def _granting(using: str) -> Iterator[Any]:
    """A cursor in one transaction. Raises NotAllowed where the connected role may not grant."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            yield cursor
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        connected_as = connections[using].settings_dict["USER"]
        raise NotAllowed(
            f"Only the owner of the schemas ops and ops_v1 can grant what is in them, and DATABASE_URL names "
            f"{connected_as}: {error.__cause__}."
        ) from error


def require_role(role: str, using: str = "default") -> None:
    """Raise InvalidInput unless the server has a role of that name."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise InvalidInput("role", f"There is no database role {role!r}: create it first with CREATE ROLE.")


def _quoted(role: str) -> str:
    return sql.Identifier(role).as_string()
