"""Where the database is: one server URL, seen as different roles."""

from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

BACKEND_ROLE = "podcast_backend"
DATABASE_NAME = "podcast"
# Always there: where one connects to make another database.
MAINTENANCE_DATABASE = "postgres"


def connection_info(url: str, *, user: str | None = None, database: str | None = None, **more: str) -> str:
    """libpq connection string for `url`, as another user or on another database where given.

    Takes what libpq takes, and the socket form `postgres://user@//socket/dir/name`.
    """
    known = _socket_form(url) if urlsplit(url).path.startswith("//") else conninfo_to_dict(url)
    changes = {"user": user, "dbname": database, **more}
    return make_conninfo("", **known | {name: value for name, value in changes.items() if value})


def database_name(url: str) -> str:
    """The database that `url` names; the podcast's where it names none or the maintenance one."""
    name = conninfo_to_dict(connection_info(url)).get("dbname")
    return DATABASE_NAME if name in (None, MAINTENANCE_DATABASE) else str(name)


def _socket_form(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    directory, _, name = parts.path[1:].rpartition("/")
    found = {"host": directory, "dbname": name, "user": parts.username, "password": parts.password}
    return {key: unquote(value) for key, value in found.items() if value} | dict(parse_qsl(parts.query))
