"""What the demo backend reads from its environment."""

import os

from demo.dsn import BACKEND_ROLE, connection_info, database_name


def backend_url() -> str:
    """Where the demo backend answers, as the supervisor says; the usual place without one."""
    return os.environ.get("DEMO_BACKEND_URL", "http://127.0.0.1:8001")


def console_url() -> str:
    """Where the console is, "" where nobody said."""
    return os.environ.get("DEMO_CONSOLE_URL", "")


def backend_database() -> str:
    """Connection string of the backend's own role on the server that DATABASE_URL names.

    Raises KeyError when DATABASE_URL is not set.
    """
    url = os.environ["DATABASE_URL"]
    return connection_info(url, user=BACKEND_ROLE, database=database_name(url))
