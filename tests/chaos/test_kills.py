"""A worker that is killed while it writes, a database and a broker that go away in between."""

import pytest

from benchmarks.killing import console, kill, wrong

pytestmark = pytest.mark.process


def test_a_bulk_outlives_its_workers() -> None:
    """However often its process is killed, every row is failed once, in the outbox once, and its user told once."""
    with console() as at:
        facts = kill(at, rows=48_000, kills=3)
    assert facts["kills"] == 3, facts
    assert wrong(facts) == [], facts
