"""What backends write about flags: usage that adds up, and presence that is merged."""

import psycopg
import pytest

from flags.models import Presence, Usage
from ops_console.retention import expire_all

pytestmark = pytest.mark.django_db(transaction=True)

ADD = """
INSERT INTO ops_v1.flag_usage AS kept (flag, hour, service, variant, result, count, last_at)
VALUES ('player', date_trunc('hour', now()), 'api', '', true, 5, now())
ON CONFLICT (flag, hour, service, variant, result)
DO UPDATE SET count = kept.count + excluded.count, last_at = greatest(kept.last_at, excluded.last_at)
"""
SEE = """
INSERT INTO ops_v1.flag_presence AS kept (user_id, seen_at, service, attributes) VALUES ('17', now(), 'api', %s)
ON CONFLICT (user_id) DO UPDATE SET seen_at = greatest(kept.seen_at, excluded.seen_at),
    attributes = kept.attributes || excluded.attributes
"""


def test_a_backend_adds_to_an_hour(backend: psycopg.Connection) -> None:
    """Two flushes of one hour are one row with their sum, and neither raises the revision."""
    before = backend.execute("SELECT revision FROM ops_v1.revision").fetchone()
    backend.execute(ADD), backend.execute(ADD)
    assert list(Usage.objects.values_list("flag", "result", "count")) == [("player", True, 10)]
    assert backend.execute("SELECT revision FROM ops_v1.revision").fetchone() == before


def test_a_backend_merges_what_it_sees(backend: psycopg.Connection) -> None:
    """One row a person, with the attributes of all who saw them."""
    for seen in ('{"tier": "pro"}', '{"language": "de"}'):
        backend.execute(SEE, [seen])
    assert Presence.objects.get().attributes == {"tier": "pro", "language": "de"}


def test_a_backend_deletes_neither(backend: psycopg.Connection) -> None:
    """Rows leave by retention alone."""
    for view in ("flag_usage", "flag_presence"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            backend.execute(f"DELETE FROM ops_v1.{view}")


def test_what_is_old_goes(owner: psycopg.Connection) -> None:
    """Usage is kept for 90 days and presence for 7."""
    for days in (89, 91):
        owner.execute(
            "INSERT INTO ops.flags_usage (flag, hour, service, result, count, last_at)"
            " VALUES (%s, now() - make_interval(days => %s), 'api', true, 1, now())",
            [str(days), days],
        )
    for days in (6, 8):
        owner.execute(
            "INSERT INTO ops.flags_presence (user_id, seen_at) VALUES (%s, now() - make_interval(days => %s))",
            [str(days), days],
        )
    expired = expire_all()
    assert (expired["how often flags were asked for"], expired["who was seen by backends"]) == (1, 1)
    assert (Usage.objects.get().flag, Presence.objects.get().user_id) == ("89", "6")


def test_a_process_tells_its_defaults(backend: psycopg.Connection) -> None:
    """OPS_FLAG_* variables and drops stand with the process; one that tells neither has none."""
    backend.execute(
        "INSERT INTO ops_v1.instance (id, service, kind, host, pid, client_version, contract, started_at, seen_at)"
        " VALUES (gen_random_uuid(), 'api', 'backend', 'h', 1, '1', 'v1', now(), now())"
    )
    assert backend.execute("SELECT flag_defaults, dropped FROM ops_v1.instance").fetchone() == ({}, {})
    backend.execute('UPDATE ops_v1.instance SET flag_defaults = \'{"OPS_FLAG_X": "on"}\', dropped = \'{"a": 1}\'')
