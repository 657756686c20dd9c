"""Reads database addresses in every common form, and keeps their passwords out of logs and errors."""

import logging
import re
import traceback
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from ops_client.errors import InvalidInput

logger = logging.getLogger("ops_client")
REMOVED = "***"
FORM = "A database address reads postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded"

# psycopg and libpq fail at each connection on these, and not all of them with an error of the database.
_NUMBERS = frozenset(
    {"connect_timeout", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"}
)
# SQLAlchemy's form: `postgresql+psycopg://`, `postgresql+asyncpg://`.
_DRIVER = re.compile(r"^postgres(?:ql)?\+\w+://", re.IGNORECASE)
_SCHEME = re.compile(r"^(\w[\w+.-]*)://")
# Applied to what stands before the last @ of a word, which takes linear time. An unencoded password may hold any
# other character. A port is no password.
_USER_INFO = re.compile(r"(://[^\s/:@]*):(?!\d+[/?]).*", re.DOTALL)
_WORD = re.compile(r"\S+")
# A password with a space in it. Applied to what stands before the last @ of a line, for the same reason.
_SPACED_USER_INFO = re.compile(rf"""(://[^\s/:@]*):(?!{re.escape(REMOVED)}@|\d+(?:[/?\s,;'")]|$)).*@""")
_PASSWORD = re.compile(r"""\b\w*passw(?:or)?d\b["']?\s?[=:]""", re.IGNORECASE)
_NAMES = "|".join(sorted(re.escape(option.keyword.decode()) for option in Conninfo.get_defaults()))
# Where a password ends that may hold quotes, backslashes and spaces which are not escaped: at the next name.
_NEXT_NAME = re.compile(rf"""\s["']?(?:{_NAMES})["']?\s?[=:]""")
_NEXT_NAME_OF_URL = re.compile(rf"""[\s&]["']?(?:{_NAMES})["']?\s?[=:]""")


def parameters(dsn: str, field: str = "dsn") -> dict[str, str]:
    """The connection parameters, by libpq's names, that `dsn` gives.

    Accepts libpq's URLs and `key=value` strings, URLs with a driver (`postgresql+psycopg://`), and the socket form
    `postgres://user@//directory/database`. Raises InvalidInput, which never quotes the address: it holds a password.
    """
    if dsn[:1] in ("'", '"'):
        raise InvalidInput(field, "begins with a quote. Remove the quotes around the address")
    scheme = _SCHEME.match(dsn)
    if scheme and not re.fullmatch(r"postgres(?:ql)?(?:\+\w+)?", scheme[1], re.IGNORECASE):
        raise InvalidInput(field, f"{scheme[1]}:// is not PostgreSQL. {FORM}")
    plain = _without_driver(dsn, field)
    try:
        found = _socket_form(plain) if scheme and urlsplit(plain).path.startswith("//") else _parsed(plain)
    except (psycopg.Error, ValueError):
        # Without its cause: libpq quotes what it could not read.
        raise InvalidInput(field, f"cannot be read. {FORM}") from None
    if not all(port.isdigit() for port in found.get("port", "").split(",") if port):
        raise InvalidInput(field, f"its port is not a number. {FORM}")
    for name in _NUMBERS & found.keys():
        if not found[name].removeprefix("-").isdigit():
            raise InvalidInput(field, f"its {name} is not a number")
    if scheme and "@" in found.get("host", ""):
        raise InvalidInput(field, f"has more than one @. {FORM}")
    return found


def normalised(dsn: str, field: str = "dsn") -> str:
    """The address as libpq's `key=value` string. Raises InvalidInput as `parameters` does."""
    return make_conninfo("", **parameters(dsn, field))


def without_password(dsn: str) -> str:
    """The address as a key of files and logs: without its secrets."""
    return make_conninfo("", **{key: value for key, value in parameters(dsn).items() if not key.endswith("password")})


def redact(text: str) -> str:
    """`text` without the passwords of the addresses in it, in time linear in its length.

    Nobody can tell where an unescaped password ends, so what is removed goes to the next name that libpq knows, or to
    the end of the line.
    """
    if "://" not in text and "passw" not in text.lower():
        return text
    return "\n".join(_redacted_line(line) for line in text.split("\n"))


def _redacted_line(line: str) -> str:
    before, at, after = _WORD.sub(_without_user_info, line).rpartition("@")
    line = _SPACED_USER_INFO.sub(rf"\1:{REMOVED}@", before + at) + after
    kept: list[str] = []
    position = 0
    while found := _PASSWORD.search(line, position):
        kept += [line[position : found.end()], REMOVED]
        of_url = line[found.start() - 1 : found.start()] in ("?", "&")
        name = (_NEXT_NAME_OF_URL if of_url else _NEXT_NAME).search(line, found.end())
        position = name.start() if name else len(line)
    return "".join(kept) + line[position:]


def _without_user_info(word: re.Match[str]) -> str:
    before, at, after = word[0].rpartition("@")
    return _USER_INFO.sub(rf"\1:{REMOVED}", before) + at + after


class RedactPasswords(logging.Filter):
    """Removes passwords of addresses from records, tracebacks included. For a handler or a logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a filter that raises ends the caller; the handler reports the record
            message = ""
        if (redacted := redact(message)) != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[1] is not None:
            told = "".join(traceback.format_exception(record.exc_info[1]))
            if (redacted := redact(told)) != told:
                # Handlers that format the exception themselves, Sentry's for instance, must not find it.
                record.exc_text, record.exc_info = redacted.rstrip("\n"), None
        return True


def redact_logs() -> None:
    """Redact what this library and psycopg log in this process. Calling it again changes nothing."""
    for name in ("ops_client", "psycopg", "psycopg.pool"):
        found = logging.getLogger(name)
        if not any(isinstance(known, RedactPasswords) for known in found.filters):
            found.addFilter(RedactPasswords())


def _without_driver(dsn: str, field: str) -> str:
    """A driver's URL as libpq reads it: without the driver's name and the parameters that only it knows."""
    scheme, separator, rest = dsn.partition("://")
    if not separator or not _DRIVER.match(dsn):
        return f"{scheme.lower()}://{rest}" if separator else dsn
    address, _, query = f"{scheme.partition('+')[0].lower()}://{rest}".partition("?")
    kept: list[str] = []
    for part in filter(None, query.split("&")):
        name = part.partition("=")[0]
        if name == "ssl":  # asyncpg's name
            kept.append(f"sslmode={part.partition('=')[2]}")
        elif name in _known():
            kept.append(part)
        elif name.startswith("ssl"):
            raise InvalidInput(field, f"its parameter {name} is not one of libpq's. Use sslmode and sslrootcert")
        else:
            logger.warning("ops_client: the parameter %s of the database address is ignored: libpq has none", name)
    return f"{address}?{'&'.join(kept)}" if kept else address


def _known() -> set[str]:
    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _parsed(dsn: str) -> dict[str, str]:
    found: dict[str, Any] = conninfo_to_dict(dsn)
    return {key: str(value) for key, value in found.items()}


def _socket_form(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    directory, _, name = parts.path[1:].rpartition("/")
    found = {"host": directory, "dbname": name, "user": parts.username, "password": parts.password}
    more = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    if unknown := set(more) - _known():
        raise ValueError(unknown)
    return {key: unquote(value) for key, value in found.items() if value} | more
