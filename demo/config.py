"""What the demo backend reads from its environment."""

import os

from demo.dsn import BACKEND_ROLE, DATABASE_NAME, connection_info


def backend_database() -> str:
    """Connection string of the backend's own role on the server that DATABASE_URL names.

    Raises KeyError when DATABASE_URL is not set.
    """
    database = os.environ.get("DEMO_DATABASE_NAME", DATABASE_NAME)
    return connection_info(os.environ["DATABASE_URL"], user=BACKEND_ROLE, database=database)
