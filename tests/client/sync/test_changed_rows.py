"""A client reads only the flags that changed, and holds what a full read would give."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from django.contrib.auth.models import Group
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from flags.models import Flag
from ops_client import lastgood
from ops_client.json_types import same_json
from ops_client.store import PostgresStore, Row
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)


class CountingStore(PostgresStore):
    """Tells which rows came over the wire, as sets of names, a read each."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.read: list[set[str]] = []

    def _rows(self, connection: psycopg.Connection[Row], name: str) -> list[Row]:
        before = {id(row) for _, row in self._kept.get(name, {}).values()}
        rows = super()._rows(connection, name)
        self.read.append({row["name"] for row in rows if id(row) not in before})
        return rows


@pytest.fixture
def dsn(transactional_db: None) -> Iterator[str]:
    role = database.backend_role()
    yield database.dsn(role)
    database.drop_role(role)


@pytest.fixture
def owner(transactional_db: None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(dsn: str) -> Iterator[CountingStore]:
    made = CountingStore(dsn)
    yield made
    made.close()


def flags(store: PostgresStore) -> list[Row]:
    return sorted(store.snapshot(["flags"])["flags"], key=lambda row: row["name"])


def read_anew(dsn: str) -> list[Row]:
    store = PostgresStore(dsn)
    try:
        return flags(store)
    finally:
        store.close()


def test_only_changed_rows_are_read(store: CountingStore, dsn: str, owner: psycopg.Connection) -> None:
    """A change, a new flag, a removal, a renamed one, a listed group and the group's new name: each reads one row."""
    Flag.objects.bulk_create(Flag(name=f"flag-{number}") for number in range(20))
    group = Group.objects.create(name="beta")
    one = Flag.objects.get(name="flag-1")
    flags(store)
    for change, names in [
        (lambda: None, set()),
        (lambda: Flag.objects.filter(name="flag-3").update(everyone=False), {"flag-3"}),
        (lambda: Flag.objects.create(name="new"), {"new"}),
        (lambda: Flag.objects.filter(name="new").delete(), set()),
        (lambda: Flag.objects.filter(name="flag-4").update(name="four"), {"four"}),
        (lambda: one.groups.add(group), {"flag-1"}),
        (lambda: Group.objects.update(name="gamma"), {"flag-1"}),
        (lambda: owner.execute("UPDATE ops.flags_flag SET rules = '[5]' WHERE name = 'flag-5'"), {"flag-5"}),
        (lambda: owner.execute("UPDATE ops.flags_flag SET rules = '[5.0]' WHERE name = 'flag-5'"), {"flag-5"}),
    ]:
        change()
        found = flags(store)
        assert store.read[-1] == names
        assert same_json(found, read_anew(dsn))


def test_commits_in_another_order_than_they_began(store: CountingStore, dsn: str) -> None:
    """A change that began first and commits last is read when it is there."""
    Flag.objects.bulk_create(Flag(name=name) for name in "abcdef")
    flags(store)
    with psycopg.connect(database.dsn()) as early, psycopg.connect(database.dsn()) as late:
        early.execute("UPDATE ops.flags_flag SET percent = 1 WHERE name = 'a'")
        late.execute("UPDATE ops.flags_flag SET percent = 2 WHERE name = 'b'")
        # The revision's row is held at commit alone, so that neither waits for the other here.
        late.commit()
        assert (flags(store)[1]["percent"], store.read[-1]) == (2, {"b"})
        early.commit()
    assert (flags(store)[0]["percent"], store.read[-1]) == (1, {"a"})
    assert same_json(flags(store), read_anew(dsn))


NAMES = [f"flag-{number}" for number in range(6)]
VALUES = st.sampled_from([True, 1, 1.0, "1", 5, 5.0, None])
CHANGES = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(NAMES), VALUES),
    st.tuples(st.just("percent"), st.sampled_from(NAMES), st.sampled_from([None, Decimal(5), Decimal("5.01")])),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("create"), st.sampled_from(NAMES), VALUES),
)


@settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(CHANGES, max_size=3), max_size=5))
def test_it_always_agrees_with_a_full_read(
    store: CountingStore, dsn: str, owner: psycopg.Connection, commits: list[list[tuple[str, str, object]]]
) -> None:
    """After any commits of any changes, types of JSON included."""
    for commit in commits:
        with owner.transaction():
            for what, name, value in commit:
                apply(owner, what, name, value)
        assert same_json(flags(store), read_anew(dsn))


def apply(owner: psycopg.Connection, what: str, name: str, value: object) -> None:
    if what == "delete":
        owner.execute("DELETE FROM ops.flags_flag WHERE name = %s", [name])
    elif what == "create":
        owner.execute(
            "INSERT INTO ops.flags_flag (name, note, languages, testing, superusers, staff, authenticated, rules,"
            " owner, created, modified, version, variants, prerequisites)"
            " VALUES (%s, '', '', false, false, false, false, %s, '', now(), now(), 1, '[]', '[]')"
            " ON CONFLICT DO NOTHING",
            [name, Jsonb([value])],
        )
    elif what == "percent":
        owner.execute("UPDATE ops.flags_flag SET percent = %s WHERE name = %s", [value, name])
    else:
        owner.execute("UPDATE ops.flags_flag SET rules = %s WHERE name = %s", [Jsonb([value]), name])


def test_a_row_that_is_the_same_is_encoded_once(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """The file of the last known flags encodes what is new, and holds everything."""
    encoded: lastgood.Encoded = {}
    kept, path = {"name": "a", "percent": Decimal("5.00")}, tmp_path / "flags.json"
    lastgood.save(path, lastgood.LastGood(1, {"flags": [kept, {"name": "b"}]}), encoded)
    seen = []
    dumps = lastgood.json.dumps
    monkeypatch.setattr(lastgood.json, "dumps", lambda value, **more: seen.append(value) or dumps(value, **more))
    lastgood.save(path, lastgood.LastGood(2, {"flags": [kept, {"name": "c"}]}), encoded)
    monkeypatch.undo()
    assert kept not in seen and {"name": "c"} in seen
    found = lastgood.load(path)
    assert found is not None and found.tables["flags"] == [{"name": "a", "percent": "5.00"}, {"name": "c"}]
    assert len(encoded) == 2
