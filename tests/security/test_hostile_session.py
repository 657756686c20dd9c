"""What a backend's session may hold while it stays open, and that the console is not held up by it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from flags import services
from flags.models import Flag, State
from tests.database import backend_role, drop_role, dsn
from tests.people import actor

pytestmark = pytest.mark.django_db(transaction=True)
CONFIG = Jsonb({"open_seconds": 1, "probe_seconds": 1})


@pytest.fixture
def backend() -> Iterator[psycopg.Connection[Any]]:
    role = backend_role()
    with psycopg.connect(dsn(role), autocommit=True) as connected:
        yield connected
    drop_role(role)


def test_an_open_change_of_a_backend_holds_up_no_flag(backend: psycopg.Connection[Any]) -> None:
    """A backend keeps its change open with its constraints checked; a flag is switched meanwhile."""
    flag = Flag.objects.create(name="player")
    backend.execute("BEGIN")
    backend.execute("SELECT ops_v1.register_breaker('held', %s)", [CONFIG])
    backend.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '30s'")
    services.set_state(actor(), flag.pk, State.OFF)
    assert backend.info.transaction_status == TransactionStatus.INTRANS
