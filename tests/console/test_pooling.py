"""The console on a pooler: a session is needed, and a check says so where transactions are pooled."""

import pytest
from django.core.checks import run_checks
from django.db import connections

from ops_console.contract.checks import session_pooling
from tests import database
from tests.pgbouncer import pgbouncer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pgbouncer]


@pytest.mark.parametrize(
    ("mode", "settings", "refused"),
    [
        ("transaction", {}, True),
        ("transaction", {"default_pool_size": 1}, True),
        ("transaction", {"server_round_robin": 1, "ignore_startup_parameters": "options"}, True),
        ("session", {}, False),
    ],
)
def test_transaction_pooling_is_refused(
    mode: str, settings: dict[str, object], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `check`, and so by `migrate`; a pool of sessions is as good as the server itself."""
    with pgbouncer(database.dsn(), mode, **settings) as dsn:
        through(dsn, monkeypatch)
        found = run_checks(tags=["pooling"])
    assert [(each.id, each.hint is not None) for each in found] == ([("contract.E001", True)] if refused else [])


def test_the_server_itself_and_a_server_that_is_away_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that need no database work without one."""
    assert session_pooling() == []
    through("host=127.0.0.1 port=1 dbname=x user=x", monkeypatch)
    assert session_pooling() == []


def through(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from psycopg.conninfo import conninfo_to_dict

    given = {**connections["default"].get_connection_params(), "password": None, **conninfo_to_dict(dsn)}
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: given)
