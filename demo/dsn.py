"""Where the database is: one server URL, seen as different roles."""

from psycopg.conninfo import make_conninfo

from ops_client.dsn import parameters

BACKEND_ROLE = "podcast_backend"
DATABASE_NAME = "podcast"
# Always there: where one connects to make another database.
MAINTENANCE_DATABASE = "postgres"


def connection_info(url: str, *, user: str | None = None, database: str | None = None, **more: str) -> str:
    """libpq connection string for `url`, as another user or on another database where given.

    Raises InvalidInput on an address that cannot be read.
    """
    changes = {"user": user, "dbname": database, **more}
    return make_conninfo("", **parameters(url) | {name: value for name, value in changes.items() if value})


def database_name(url: str) -> str:
    """The database that `url` names; the podcast's where it names none or the maintenance one."""
    name = parameters(url).get("dbname", MAINTENANCE_DATABASE)
    return DATABASE_NAME if name == MAINTENANCE_DATABASE else name
