"""Seeded hostile requests over every address and the API: nothing answers 500."""

import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from benchmarks.fuzz import Fuzzer, signed_in_clients
from benchmarks.growth_rows import Size, fill
from incidents.alerts.tasks import look
from ops_console.access.roles import Role
from tests.people import person

pytestmark = pytest.mark.django_db
REQUESTS_EACH = 5_000
# A machine that is slow sends fewer.
SECONDS_EACH = 30


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without a warning a request."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(4))
def test_no_request_is_answered_500(seed: int) -> None:
    """Up to 20,000 requests in all. The first that fails is printed; `dev.py bench fuzz --seed N` sends more."""
    person(Role.ADMIN, "bench")
    look()
    fill(connection.connection, None, Size(each=100))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    fuzzer = Fuzzer(seed, *signed_in_clients())
    failures = [f"{request}\n{failure}" for request, failure in fuzzer.run(REQUESTS_EACH, SECONDS_EACH)]
    assert not failures, f"{len(failures)} failed; the first:\n{failures[0]}"
