"""A bulk beside those who do the work: whatever anybody is told is what the row says."""

import pytest
from django.db import connection

from benchmarks.racing import race
from benchmarks.victims import make_victims
from tests import database

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("committed")]


def test_nobody_is_told_what_the_row_does_not_say() -> None:
    """Four workers finish victims while all are failed: row, outcome, notification, mail, outbox and audit agree."""
    with connection.cursor() as cursor:
        make_victims(cursor, 20_000)
    run = race(database.dsn(), 20_000)
    assert run.contradictions == 0, run.facts()
    assert run.rows["victims"] == 20_000 == run.rows["failed"] + run.rows["finished"]
    assert (run.counted["changed"], run.counted["mailed"], run.counted["audited"]) == (run.rows["failed"],) * 3
    assert run.finished == run.rows["finished"]
    # It was a race: some were finished in time, and some who tried came too late.
    assert run.finished and run.came_too_late
