"""Settings: what a start without them says, and that a deployment's checks are clean."""

import json
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ops_console.env import SETTINGS, database, mail, read
from ops_console.logs import without_secrets

ROOT = Path(__file__).parents[2]
REQUIRED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
PRODUCTION = {
    "SECRET_KEY": "".join(map(chr, range(40, 110))),
    "DEBUG": "0",
    "HTTPS": "1",
    "ALLOWED_HOSTS": "console.example.org",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.org:587",
}


def manage(*arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these variables on top of the test's own; None takes one away."""
    variables = {"DJANGO_ALLOW_ASYNC_UNSAFE": None, **variables}  # browser tests of the same run set it
    environment = {**os.environ, **{name: value for name, value in variables.items() if value is not None}}
    for name, value in variables.items():
        if value is None:
            environment.pop(name, None)
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.process
def test_refuses_to_start_naming_all_that_is_missing() -> None:
    """With DEBUG off and nothing set, one message names the three that are required."""
    started = manage("check", DEBUG="0", **dict.fromkeys(REQUIRED))
    assert started.returncode != 0
    assert all(name in started.stderr for name in REQUIRED)


@pytest.mark.process
@pytest.mark.parametrize("name", REQUIRED)
def test_refuses_to_start_without_one(name: str) -> None:
    """Each of the three alone is enough to refuse, and is the only one named."""
    started = manage("check", **{"DEBUG": "0", "SECRET_KEY": PRODUCTION["SECRET_KEY"], name: None})
    assert started.returncode != 0
    said = started.stderr.rsplit("ImproperlyConfigured", 1)[-1]
    assert [other for other in REQUIRED if other in said] == [name]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_the_database_is_read_from_every_common_form(scheme: str) -> None:
    """The console and its backend may share one DATABASE_URL, and a backend's names a driver."""
    named, options = database(f"{scheme}://u:p%40ss@db:5433/x?sslmode=require")
    assert named == {"NAME": "x", "USER": "u", "PASSWORD": "p@ss", "HOST": "db", "PORT": "5433"}
    assert options == {"sslmode": "require"}


def test_a_database_address_that_cannot_be_read_is_not_quoted() -> None:
    """The message names the setting and the right form; it is printed and logged, and holds no password."""
    password = "-".join(["hunter", "two"])
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL: .*postgresql://USER") as refused:
        database(f"mysql://u:{password}@db/x")
    assert password not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("key", ["event", "exception", "address"])
def test_logs_hold_no_password_of_an_address(key: str) -> None:
    """Whoever logs it, and in whichever part of a record."""
    assert without_secrets(None, "info", {key: "at redis://:hunter2@cache"}) == {key: "at redis://cache"}


@pytest.mark.process
def test_a_reader_that_has_seen_enough_hears_no_complaint() -> None:
    """`manage.py ... | head` ends without a traceback when `head` goes first."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        command = [sys.executable, "manage.py", "help"]
        ended = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.process
def test_deployment_checks_are_clean() -> None:
    """`check --deploy` finds nothing in a production environment."""
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.process
def test_a_deployment_without_a_mail_server_or_beats_directory_is_told() -> None:
    """`check --deploy` names EMAIL_URL and the directory that does not exist."""
    checked = manage("check", "--deploy", **{**PRODUCTION, "EMAIL_URL": None, "BEAT_SCHEDULE": "/nonexistent/beat"})
    assert "EMAIL_URL names no mail server" in checked.stderr
    assert "/nonexistent does not exist" in checked.stderr


@pytest.mark.process
def test_a_channel_that_cannot_be_read_and_a_directory_for_beats_file_are_named(tmp_path: Path) -> None:
    """`check --deploy` names the channel by its number, since its address holds a secret, and the directory."""
    channels = "people://,slakc://T1/B1/not-for-logs"
    checked = manage("check", "--deploy", **{**PRODUCTION, "ALERT_CHANNELS": channels, "BEAT_SCHEDULE": str(tmp_path)})
    assert checked.returncode != 0
    assert "number 2 of ALERT_CHANNELS cannot be read" in checked.stderr
    assert "not-for-logs" not in checked.stderr
    assert f"{tmp_path} is a directory" in checked.stderr


@pytest.mark.process
def test_quotes_that_an_env_file_left_are_named() -> None:
    """HTTPS="1" with its quotes is not 1: the console refuses to start rather than to serve without HTTPS."""
    started = manage("check", "--deploy", **{**PRODUCTION, "HTTPS": '"1"', "SESSION_HOURS": "'12'"})
    said = started.stderr.rsplit("ImproperlyConfigured", 1)[-1]
    assert started.returncode != 0
    assert "HTTPS, SESSION_HOURS" in said and "Docker keeps the quotes" in said


def test_names_of_tables_may_be_quoted() -> None:
    """DIRECTORY_TABLE="user" is SQL."""
    given = {"DEBUG": "1", "DIRECTORY_TABLE": '"user"', "DIRECTORY_ID": '"id"'}
    assert read(FakeEnv(given))["DIRECTORY_TABLE"] == '"user"'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGN_IN_RATE", "lots"),
        ("API_RATE", "10/60"),
        ("REDIS_URL", "cache:6379"),
        ("REDIS_URL", "http://cache"),
        ("TRUSTED_PROXIES", "-1"),
        ("UNDO_SECONDS", "-1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DEBUG", "perhaps"),
        ("HTTPS", "enabled"),
        ("HTTPS", ""),
        ("REQUIRE_SECOND_FACTOR", "2"),
        ("ALERT_CHANNELS", "people://,people"),
        ("ALERT_CHANNELS", "people:/"),
        ("CONSOLE_URL", "ops.example.com"),
        ("CONSOLE_URL", "//ops.example.com"),
        ("CONSOLE_URL", "https://"),
        ("CONSOLE_URL", "https://ops.example.com:port"),
        ("SESSION_HOURS", "twelve"),
    ],
)
def test_a_value_that_cannot_work_is_named_at_the_start(name: str, value: str) -> None:
    """Not by an error at the first sign-in, connection or record."""
    with pytest.raises(ImproperlyConfigured, match=f"^{name} [^.]*[.]$"):
        read(FakeEnv({"DEBUG": "1", name: value}))


@pytest.mark.parametrize(
    "key",
    [
        "short-but-random-9f8a7c6d",
        "a" * 200,
        "abcdefgh" * 10,
        "9f8a7c6d5e4b3a2c" * 4,
        "django-insecure-" + "".join(map(chr, range(48, 110))),
        "changeme-" + "".join(map(chr, range(48, 110))),
    ],
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_key_that_could_be_guessed_is_refused(name: str, key: str) -> None:
    """Outside DEBUG the console does not start with it, and does not print it."""
    given = {"DATABASE_URL": "postgres://x/y", "REDIS_URL": "redis://cache", "SECRET_KEY": PRODUCTION["SECRET_KEY"]}
    with pytest.raises(ImproperlyConfigured, match=f"^{name} (holds too little|is a placeholder)") as refused:
        read(FakeEnv(given | {name: key}))
    assert key not in str(refused.value)


@pytest.mark.parametrize("bits", ["9f8a7c6d5e4b3a2c1f0e9d8c7b6a5f4e1", "r8Xk-Wq2_ZtN5vB7yHc3LmP9sDf6Gj1a"])
def test_a_random_key_is_accepted(bits: str) -> None:
    """Also in hexadecimal."""
    given = {"DATABASE_URL": "postgres://x/y", "REDIS_URL": "redis://cache", "SECRET_KEY": bits}
    assert read(FakeEnv(given))["SECRET_KEY"] == bits


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("No", False)])
def test_booleans_are_read_in_the_usual_forms(value: str, expected: bool) -> None:
    """In any case; what is none of them is refused (above)."""
    assert read(FakeEnv({"DEBUG": "1", "HTTPS": value}))["HTTPS"] is expected


@pytest.mark.parametrize("value", ["10/m", "5/10m", "100/30s", "0/d"])
def test_rates_are_read_as_documented(value: str) -> None:
    """In django-ratelimit's form."""
    assert read(FakeEnv({"DEBUG": "1", "API_RATE": value}))["API_RATE"] == value


@pytest.mark.parametrize("url", ["smpt://host", "sendgrid://key", "host:587", '"smtp://host"', "smtp://h:port", ""])
def test_a_mail_address_that_cannot_be_read_is_named(url: str) -> None:
    """An engine that is not known would send to localhost or nowhere; the message shows the right form."""
    with pytest.raises(ImproperlyConfigured, match=r"EMAIL_URL .*smtp\+tls://USER"):
        mail(url)


def test_a_mail_address_that_cannot_be_read_is_not_quoted() -> None:
    password = "-".join(["hunter", "two"])
    with pytest.raises(ImproperlyConfigured) as refused:
        mail(f"smpt://user:{password}@host")
    assert password not in "".join(traceback.format_exception(refused.value))


@pytest.mark.process
def test_beat_without_its_directory_says_so_in_one_record() -> None:
    """Celery logged the traceback line by line, 190 kB of fragments."""
    beat = ["-m", "celery", "-A", "ops_console", "beat", "--pidfile", "", "--schedule", "/nonexistent/beat"]
    ended = subprocess.run([sys.executable, *beat], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    # The pool may have found meanwhile that this test's database is not there.
    records = list(map(json.loads, ended.stderr.splitlines()))
    (record,) = [each for each in records if each["logger"] != "psycopg.pool"]
    assert ended.returncode == 1
    assert (record["level"], record["logger"]) == ("critical", "ops_console.beat")
    assert "/nonexistent does not exist" in record["event"]


UNCAUGHT = """
import threading, warnings, django
django.setup()
from ops_console.logs import log_uncaught
log_uncaught()
def fail(): raise ValueError("in a thread")
thread = threading.Thread(target=fail)
thread.start(); thread.join()
warnings.warn("old")
class Broken:
    def __del__(self): raise ValueError("in a destructor")
Broken()
import logging
logging.getLogger("uvicorn.error").error("with its traceback", exc_info=ValueError("of the server"))
raise ValueError("at the end")
"""


@pytest.mark.process
def test_each_traceback_is_one_record() -> None:
    """Threads, destructors, the web server and whatever ends the process: one line of JSON each."""
    ended = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    records = [json.loads(line) for line in ended.stderr.splitlines()]
    texts = [record.get("exception", record["event"]) for record in records]
    expected = ["in a thread", "old", "in a destructor", "of the server", "at the end"]
    assert len(texts) == len(expected), texts
    assert all(word in text for word, text in zip(expected, texts, strict=True)), texts


class FakeEnv(environ.Env):
    """Reads from a dictionary."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__()
        self.ENVIRON = given


def test_every_setting_is_in_the_deploy_guide() -> None:
    """The one table of docs/howto/deploy.md and env.py name the same settings, with the same defaults."""
    text = (ROOT / "docs" / "howto" / "deploy.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", text, re.MULTILINE)
    documented = {name: default.strip().strip("`") for name, default in rows}
    assert documented == {s.name: "required" if s.required else _shown(s.default) for s in SETTINGS}


def test_policy_allows_nothing_inline(db: None) -> None:
    """The Content-Security-Policy that pages carry names no unsafe source, and starts from nothing."""
    policy = Client().get("/accounts/login/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_session_ends() -> None:
    """A session has an end, and its cookie is out of scripts' reach."""
    assert settings.SESSION_COOKIE_AGE == 12 * 3600
    assert settings.SESSION_COOKIE_HTTPONLY


def _shown(default: object) -> str:
    if isinstance(default, list):
        return ",".join(default) or "empty"
    if isinstance(default, bool):
        return str(int(default))
    return str(default) or "empty"
