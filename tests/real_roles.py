"""Both connections as the roles that the console really has; elsewhere in tests one of a superuser is both."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections
from psycopg import sql

from incidents.operations.sources.schema import forget
from ops_console import foreign
from tests import database

FOREIGN = "foreign"
# For a test that uses them: what it prepares must be committed.
needs_both = pytest.mark.django_db(transaction=True, databases=["default", FOREIGN])


@contextmanager
def real_roles() -> Iterator[None]:
    """Inside, the default connection has the console's rights, and the backend's tables are used as their own role."""
    role = database.console_role()
    forget()
    with pytest.MonkeyPatch.context() as patch, connection.cursor() as cursor:
        patch.setattr(foreign, "ALIAS", FOREIGN)
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")
            connections[FOREIGN].close()
            connections[FOREIGN].close_pool()
    database.drop_role(role)
    forget()
