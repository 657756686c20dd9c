"""Settings: what a start without them says, and that a deployment's checks are clean."""

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ops_console.env import SETTINGS, database
from ops_console.logs import without_secrets

ROOT = Path(__file__).parents[2]
REQUIRED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
PRODUCTION = {
    "SECRET_KEY": "".join(map(chr, range(40, 110))),
    "DEBUG": "0",
    "HTTPS": "1",
    "ALLOWED_HOSTS": "console.example.org",
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
    started = manage("check", **{"DEBUG": "0", "SECRET_KEY": "x", name: None})
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
    assert without_secrets(None, "info", {key: "at redis://:hunter2@cache"}) == {key: "at redis://:***@cache"}


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
