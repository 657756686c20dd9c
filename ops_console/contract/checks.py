"""What the console needs of the way to its database, and what its two roles there must not be able to do."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection, connections

from ops_client.connections import BoundedConnection, is_pooled, session_of
from ops_console import foreign

ATTEMPTS = 3
MOST_NAMED = 5
GRANT_AGAIN = "Run what `manage.py grant_console ROLE` prints, as the owner of the backend's tables."
# Whatever a role, or one that it is a member of, owns or was granted in this database, by pg_shdepend. Rights on the
# database and on schemas are left out: they only let names be looked up.
_HELD = """
WITH RECURSIVE mine AS (
    SELECT oid FROM pg_roles WHERE rolname = %(role)s
    UNION SELECT m.roleid FROM pg_auth_members AS m JOIN mine ON m.member = mine.oid
)
SELECT DISTINCT coalesce(thing.schema, ''), thing.type || ' ' || thing.identity, d.deptype = 'o'
FROM pg_shdepend AS d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS thing
WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid IN (SELECT oid FROM mine) AND d.deptype IN ('o', 'a')
  AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND (d.deptype = 'o' OR thing.type NOT IN ('schema', 'database')) AND thing.type <> 'default acl'
ORDER BY 2
"""
_ATTRIBUTES = """
SELECT r.rolsuper, r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls OR r.rolreplication,
    ARRAY(SELECT p.rolname::text FROM pg_roles AS p WHERE p.rolname ~ '^pg_(read|write|execute)_(all_data|server)'
          AND pg_has_role(r.oid, p.oid, 'MEMBER')),
    ARRAY(SELECT g.rolname::text FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
          WHERE m.member = r.oid),
    EXISTS (SELECT FROM pg_db_role_setting AS s WHERE s.setrole = r.oid)
FROM pg_roles AS r WHERE r.rolname = %(role)s
"""


@register("pooling")
def session_pooling(**_: Any) -> list[CheckMessage]:
    """Settings, LISTEN, prepared statements and advisory locks of the console live in a session of the server."""
    try:
        pooled = pools_transactions(_parameters())
    except psycopg.Error:
        return []  # a database that cannot be reached is reported by whoever needs it
    if not pooled:
        return []
    message = "DATABASE_URL leads through a pooler in transaction mode, which gives each transaction another session."
    hint = "Connect the console to PostgreSQL itself, or to a pool in session mode (PgBouncer: pool_mode = session)."
    return [Error(message, hint=hint, id="contract.E001")]


@register(Tags.database)
def ending_sessions(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The watchdog ends backend sessions that hold up the console (contract/watchdog.py)."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT current_user FROM ops.contract_grantee WHERE role = current_user AND kind = 'console'"
                " AND NOT pg_has_role(current_user, 'pg_signal_backend', 'USAGE')"
            )
            found = cursor.fetchone()
    except DatabaseError:
        return []  # not migrated yet, or unreachable
    if found is None:
        return []
    message = f"{found[0]} may not end backend sessions: one that holds a lock holds up the console for as long."
    return [Warning(message, hint=f"As a superuser: GRANT pg_signal_backend TO {found[0]};", id="contract.W001")]


@register(Tags.database)
def boundary(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The boundary to the backend: `check --database default`, migrate and the page System refuse to do without."""
    if not databases or "default" not in databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user::text")
            (console,) = cursor.fetchone()
            return [*_foreign_login(), *_rights_of_console(cursor, console), *_rights_of_foreign(cursor)]
    except DatabaseError:
        return []  # a database that cannot be reached is reported by whoever needs it


def _foreign_login() -> Iterator[CheckMessage]:
    """A connection of its own: those of the pool have logged in long ago."""
    try:
        BoundedConnection.connect(**foreign.parameters(foreign.ALIAS)).close()
    except psycopg.Error as error:
        hint = (
            f"Create the role: CREATE ROLE {foreign.role()} LOGIN PASSWORD '...'; set FOREIGN_DATABASE_URL, and run "
            "`manage.py grant_console`. If it could log in before, code in a trigger of the backend's tables may have "
            "run ALTER ROLE: see docs/howto/deploy.md."
        )
        said = next(iter(str(error).splitlines()), type(error).__name__)
        yield Error(f"{foreign.role()} cannot log in for the backend's tables: {said}", hint=hint, id="contract.E002")


def _rights_of_console(cursor: Any, console: str) -> Iterator[CheckMessage]:
    cursor.execute(_ATTRIBUTES, {"role": console})
    is_superuser, _, reads_all, _, _ = cursor.fetchone()
    if is_superuser:
        hint = "Set DATABASE_URL to a role of its own, made as docs/howto/deploy.md says; migrate runs as ops_owner."
        yield Error(f"The console's role {console} is a superuser.", hint=hint, id="contract.E003")
        return
    held = [f"member of {name}" for name in reads_all] + [
        what for schema, what, _ in _held(cursor, console) if not _is_ours(schema, what)
    ]
    if held:
        yield Error(
            f"The console's role {console} has rights outside ops and ops_v1: {_named(held)}.",
            hint=f"The owner of those tables could act as the console by them. {GRANT_AGAIN}",
            id="contract.E004",
        )


def _rights_of_foreign(cursor: Any) -> Iterator[CheckMessage]:
    role = foreign.role()
    cursor.execute(_ATTRIBUTES, {"role": role})
    found = cursor.fetchone()
    if found is None:
        return  # it cannot log in, which is said
    is_superuser, may_more, _, member_of, has_settings = found
    wrong = [name for name, is_so in (("is a superuser", is_superuser), ("may create roles", may_more)) if is_so]
    wrong += [f"is a member of {name}" for name in member_of]
    for schema, what, owns in _held(cursor, role):
        if owns:
            wrong.append(f"owns {what}")
        elif schema in ("ops", "ops_v1"):
            wrong.append(f"has rights on {what}")
    if wrong:
        hint = "Whatever the owner of the backend's tables plants in them has these rights. Make the role anew."
        yield Error(f"The role for the backend's tables, {role}, {_named(wrong)}.", hint=hint, id="contract.E005")
    if has_settings:
        hint = f"Nobody needs them: ALTER ROLE {role} RESET ALL. Code in a trigger of the backend's can set them."
        yield Warning(f"Settings were stored for the role {role}.", hint=hint, id="contract.W002")


def _held(cursor: Any, role: str) -> list[tuple[str, str, bool]]:
    cursor.execute(_HELD, {"role": role})
    return list(cursor.fetchall())


def _is_ours(schema: str, what: str) -> bool:
    ours = ("ops", "ops_v1", "ops_sources")
    return schema in ours or what in {f"schema {name}" for name in ours}


def _named(found: list[str]) -> str:
    more = len(found) - MOST_NAMED
    return ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def pools_transactions(parameters: dict[str, Any]) -> bool:
    """Whether two connections share a session of the server. Raises psycopg.Error."""
    with BoundedConnection.connect(**parameters) as one:
        if not is_pooled(one):
            return False
        with BoundedConnection.connect(**parameters) as other:
            return any(_shares(one, other) for _ in range(ATTEMPTS))


def _shares(one: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
    before = session_of(one)
    with other.transaction():
        # A pooler of transactions has given ours away, or must give us another one now.
        return before == session_of(other) or before != session_of(one)


def _parameters() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    names = ("host", "port", "dbname", "user", "password", "connect_timeout", "sslmode", "sslrootcert")
    # Without `options`: PgBouncer would refuse to answer at all.
    return {**{name: given[name] for name in names if given.get(name)}, "autocommit": True, "prepare_threshold": None}
