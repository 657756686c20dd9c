"""Database addresses: every common form is accepted, and a password never appears in a log or an error."""

import io
import logging
import re
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ops_client import OpsClient
from ops_client.dsn import RedactPasswords, normalised, parameters, redact, without_password
from ops_client.errors import InvalidInput, StoreUnavailable
from ops_client.store import PostgresStore

PASSWORD = "hunter2-Tr0ub4dor"
READ = {"user": "u", "password": "p@ss", "host": "db", "port": "5433", "dbname": "x"}
# Nothing listens on port 1.
AWAY = f"u:{PASSWORD}@127.0.0.1:1/x"
MALFORMED = [
    f"mysql://u:{PASSWORD}@db/x",
    f"'postgresql://u:{PASSWORD}@db/x'",
    f"postgresql+://u:{PASSWORD}@db/x",
    f"postgresql://u:{PASSWORD}/more@db/x",
    f"postgresql://u:{PASSWORD}@more@db/x",
    f"postgresql://u:{PASSWORD}%zz@db/x",
    f"postgresql://u:{PASSWORD}@db/x?colour=red",
    f"postgresql://u:{PASSWORD}@db/x?connect_timeout=soon",
    f"postgresql://u:{PASSWORD}@db/x?keepalives_idle=x",
    f"postgresql://u:{PASSWORD}@[db/x",
    f"postgresql+asyncpg://u:{PASSWORD}@db/x?ssl_context=1",
    f"u:{PASSWORD}@db/x",
    f"host=db password=a {PASSWORD} user=u",
    f"postgresql://u@//socket/x?password={PASSWORD}&colour=red",
]


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg", "POSTGRESQL+pg8000"],
)
def test_urls_name_the_same_server_with_any_driver(scheme: str) -> None:
    """SQLAlchemy's form is the commonest DATABASE_URL of a backend."""
    assert parameters(f"{scheme}://u:p%40ss@db:5433/x") == READ


@pytest.mark.parametrize(
    ("dsn", "found"),
    [
        ("host=db port=5433 user=u password=p@ss dbname=x", READ),
        ("postgresql+asyncpg://db/x?ssl=require", {"host": "db", "dbname": "x", "sslmode": "require"}),
        ("postgresql+psycopg://db/x?sslmode=require", {"host": "db", "dbname": "x", "sslmode": "require"}),
        ("postgresql+asyncpg://db/x?prepared_statement_cache_size=0", {"host": "db", "dbname": "x"}),
        ("postgresql+psycopg://a:1,b:2/x", {"host": "a,b", "port": "1,2", "dbname": "x"}),
        ("postgresql+psycopg://[::1]:5/x", {"host": "::1", "port": "5", "dbname": "x"}),
        ("postgres://u@//run/pg/x", {"host": "/run/pg", "user": "u", "dbname": "x"}),
        ("postgresql+psycopg://u@/x?host=/run/pg", {"host": "/run/pg", "user": "u", "dbname": "x"}),
        ("", {}),
    ],
)
def test_forms(dsn: str, found: dict[str, str]) -> None:
    """libpq's parameters stay, TLS settings included; what only a driver knows is left out."""
    assert parameters(dsn) == found
    assert parameters(normalised(dsn)) == found


@pytest.mark.parametrize("dsn", MALFORMED)
def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(dsn: str) -> None:
    """The error names the field and the right form; neither it nor its causes hold any part of the password."""
    with pytest.raises(InvalidInput, match="DATABASE_URL: ") as refused:
        parameters(dsn, "DATABASE_URL")
    assert PASSWORD not in everything_about(refused.value)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("at postgresql+psycopg://u:secret@db/x", "at postgresql+psycopg://u:***@db/x"),
        ("redis://:se:cr@et@db, and more", "redis://:***@db, and more"),
        ("host=db password=secret user=u", "host=db password=*** user=u"),
        (r"password='a \' b' user=u", "password=*** user=u"),
        ("postgres://db/x?password=secret&user=u", "postgres://db/x?password=***&user=u"),
        ("PGPASSWORD=secret and sslpassword=other", "PGPASSWORD=*** sslpassword=***"),
        ("{'password': 'secret', 'user': 'u'}", "{'password':*** 'user': 'u'}"),
        ("password= user=u", "password=*** user=u"),
        ("host=db password=a&user=b c user=u", "host=db password=*** user=u"),
        ("x password=it's one\nand a second line", "x password=***\nand a second line"),
        ("postgres://u:a b@db/x", "postgres://u:***@db/x"),
        ("http://db:8000 belongs to a@b", "http://db:8000 belongs to a@b"),
        ("host=db password=a,b;c user=u", "host=db password=*** user=u"),
        (r"host=db password=a\'b user=u", "host=db password=*** user=u"),
        ("https://db:8000/x?mail=a@b", "https://db:8000/x?mail=a@b"),
        ("https://key@sentry/1", "https://key@sentry/1"),
        ("password authentication failed for user", "password authentication failed for user"),
    ],
)
def test_passwords_in_text_are_replaced(text: str, redacted: str) -> None:
    """The rest of the text stays readable."""
    assert redact(text) == redacted


@given(st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="/?#"), min_size=3, max_size=20))
def test_no_password_survives_in_a_url(password: str) -> None:
    """Also one that was not percent-encoded."""
    assert f":{password}@" not in redact(f"could not connect to postgresql://u:{password}@db.example/x")


# Never part of what stands around it, and with all that would have to be escaped.
MARKED = st.lists(
    st.sampled_from(["SECRET", "&", "'", '"', "\\", " ", "=", ":", "@", "user", ",", "/", "?", "\t"]), min_size=1
)


@given(
    MARKED.map("".join), st.sampled_from(["{}", "'{}'", '"{}"']), st.sampled_from(["", " user=u", " dbname=x host=db"])
)
def test_no_part_of_a_password_survives_in_an_assignment(password: str, quotes: str, rest: str) -> None:
    """Whatever is in it unescaped, but the name of a parameter, which libpq reads as one too."""
    assume(not re.search(r"\s[\"']?user[\"']?\s?[=:]", password))
    redacted = redact(f"cannot connect: host=db password={quotes.format(password)}{rest}")
    assert redacted == f"cannot connect: host=db password=***{rest}"


@given(MARKED.map("".join), st.sampled_from(["", "&user=u"]))
def test_no_part_of_a_password_survives_in_a_query(password: str, rest: str) -> None:
    """As above, where an ampersand and a name begin the next parameter."""
    assume(not re.search(r"[\s&][\"']?user[\"']?\s?[=:]", password))
    assert "SECRET" not in redact(f"at postgresql://db/x?password={password}{rest}")


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql+psycopg://{AWAY}",
        f"postgresql://u:{PASSWORD}@no-such-host.invalid/x",
        f"postgresql://u:{PASSWORD}@127.0.0.1:1/x?sslmode=no",
    ],
)
def test_no_record_at_any_level_holds_the_password(dsn: str, records: io.StringIO) -> None:
    """A client on a database that cannot be reached: what it and psycopg log, answer and raise, tracebacks included."""
    client = OpsClient(dsn, service="test", snapshot_path=None, poll_seconds=0.05)
    with client:
        assert client.flags.is_enabled("x", default=True)
        with pytest.raises(StoreUnavailable) as raised:
            client.runtime.store.fetch("revision")
        with pytest.raises(StoreUnavailable) as unheard:
            client.runtime.store.wait_for_revision(0.1)
    told = records.getvalue() + everything_about(raised.value) + everything_about(unheard.value) + repr(client.status())
    assert "ops_client" in told
    assert PASSWORD not in told


@pytest.mark.parametrize("dsn", MALFORMED)
def test_a_client_is_not_made_with_an_address_that_cannot_be_read(
    dsn: str, records: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than answering defaults for ever; the variable is named where the address came from one."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    with pytest.raises(InvalidInput, match="DATABASE_URL") as refused:
        OpsClient(service="test")
    with pytest.raises(InvalidInput, match="dsn"):
        PostgresStore(dsn)
    assert PASSWORD not in everything_about(refused.value) + records.getvalue()


def test_a_record_is_redacted_with_its_arguments_and_traceback() -> None:
    """What handlers get of a record holds no password, in whichever part of it one came."""
    error = ValueError(f"bad value in postgresql://{AWAY}")
    record = logging.LogRecord("x", 40, "x.py", 1, "cannot use %s", (f"redis://{AWAY}",), (ValueError, error, None))
    assert RedactPasswords().filter(record)
    assert PASSWORD not in logging.Formatter().format(record)
    assert record.exc_info is None


def test_a_record_that_cannot_be_formatted_ends_no_caller() -> None:
    """A filter's error would reach whoever logs; a handler's does not."""
    record = logging.LogRecord("x", 40, "x.py", 1, "cannot use %d", ("text",), None)
    assert RedactPasswords().filter(record)


def test_the_error_of_a_record_that_cannot_be_formatted_is_redacted_all_the_same() -> None:
    """What is wrong with the message does not let the traceback through."""
    try:
        raise RuntimeError("postgresql://u:hunter2@db/x")
    except RuntimeError as error:
        record = logging.LogRecord("x", 40, "x.py", 1, "cannot use %d", ("text",), (type(error), error, None))
    assert RedactPasswords().filter(record)
    assert record.exc_info is None and "hunter2" not in (record.exc_text or "hunter2")


def test_hostile_text_is_redacted_in_linear_time() -> None:
    """The search for a password does not start again at each of many addresses: it would take hours."""
    text = "://a:" * 400_000
    assert redact(text) == text
    assert redact(text + " @").endswith("@")
    for piece in ("password=", "password = ' ", " password", "password \\", "passw", "&user ?password=", " 'user' "):
        assert len(redact(piece * 100_000)) <= 2 * len(piece) * 100_000


def test_a_key_of_the_database_has_no_password_in_it() -> None:
    """A new password is the same database."""
    assert without_password("postgres://u:a@db/x") == without_password("postgresql+psycopg://u:b@db/x")


def everything_about(error: BaseException) -> str:
    return repr(error) + "".join(traceback.format_exception(error))


@pytest.fixture
def records() -> Iterator[io.StringIO]:
    """All that is logged, at any level, as a plain handler writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
