"""A process whose requests are not limited says so to the console."""

import pytest

from ops_client.client import OpsClient
from ops_console.access.roles import Role
from tests.people import signed_in
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_system_page_shows_a_backend_without_limits(backend_dsn):
    """What was allowed by the named setting is still seen by operators, with the process it is about."""
    client = signed_in(Role.VIEWER)
    with OpsClient(backend_dsn, service="unlimited-api", snapshot_path=None) as ops:
        ops.quotas.told_off("Requests are not limited in this process: OPS_QUOTAS is off.")
        page = until(lambda: told(client), 20, "the System page")
    assert "unlimited-api" in page


def told(client) -> str:
    page = client.get("/system/").content.decode()
    return page if "OPS_QUOTAS is off" in page else ""
