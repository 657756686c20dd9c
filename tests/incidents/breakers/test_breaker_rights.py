"""What a backend's role may do to breakers, and what it may not."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE ops.breakers_breaker SET status = 'open'",
        "SELECT 1 FROM ops.breakers_breaker",
        "INSERT INTO ops.breakers_override (name, mode) VALUES ('gemini', 'force_open')",
        "DELETE FROM ops_v1.breaker_report",
        "DELETE FROM ops_v1.provider_minute",
        "SELECT ops.set_breaker(NULL, 'open', 'x', 'x', gen_random_uuid(), 1)",
    ],
)
def test_a_backend_moves_the_state_through_functions_only(backend_dsn: str, forbidden: str) -> None:
    """Tables, deletions and the inner function are out of its reach."""
    with psycopg.connect(backend_dsn, autocommit=True) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(forbidden)


def test_a_role_without_the_grant_may_not_move_it(owner: psycopg.Connection) -> None:
    """The functions are not everybody's: PUBLIC has no right to them."""
    open_to_all = owner.execute(
        "SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.proname IN ('register_breaker', 'move_breaker', 'take_probe', 'set_breaker') AND a.grantee = 0"
    ).fetchall()
    assert open_to_all == []


def test_an_override_written_round_the_console_is_in_the_audit(node: object, owner: psycopg.Connection) -> None:
    """What psql does to an override is kept under the breaker's name, with the database role."""
    node()  # type: ignore[operator]
    owner.execute(
        "INSERT INTO ops.breakers_override (name, mode, reason, actor, set_at, expires_at, version)"
        " VALUES ('gemini', 'disabled', 'by hand', 'dba', now(), now() + interval '1 h', 1)"
    )
    kept = owner.execute("SELECT source, target_type, target_id FROM ops.audit_entry").fetchall()
    assert kept == [("trigger", "breaker", "gemini")]
