"""What logs may not hold: one-time links, tokens, passwords; in our own log and in a server's access log."""

import logging
import subprocess
import sys

import pytest
from gunicorn.glogging import SafeAtoms
from structlog.stdlib import ProcessorFormatter

TOKEN = "opsc_0123456789ab_" + "k" * 20 + "7" * 23
LINK = "/access/link/aLongTokenWithoutAnyFigure_abcdefghijklmnop/"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRoaXM"


def written(logger: str, message: str, *args: object) -> str:
    """A record as it leaves the logger's filters and the console's one handler."""
    record = logging.getLogger(logger).makeRecord(logger, logging.WARNING, "", 0, message, args, None)
    assert logging.getLogger(logger).filter(record)
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter)]
    return record.getMessage() + handler.format(record)


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        (f"GET {LINK} 200", "aLongToken"),
        (f"sent Authorization: Bearer {TOKEN}", TOKEN),
        (f"a header {JWT}", JWT),
        ("connecting to postgresql://ops:p4ssw0rd@db/x", "p4ssw0rd"),
        ("host=db user=ops password=p4ssw0rd dbname=x", "p4ssw0rd"),
        ("Server=db;Uid=ops;Pwd=p4ssw0rd;", "p4ssw0rd"),
        ("slack://TokenA/TokenB/TokenC", "TokenB"),
        ("posted to https://hooks.slack.com/services/T000/B000/XXXX", "B000"),
    ],
)
@pytest.mark.parametrize("logger", ["uvicorn.access", "gunicorn.access", "django.server"])
def test_no_secret_reaches_a_servers_access_log(logger: str, message: str, secret: str) -> None:
    """Whatever handler the server has given its logger: the record itself holds the secret no more."""
    assert secret not in written(logger, message)
    assert secret not in written(logger, "%s", message)


@pytest.mark.parametrize("logger", ["psycopg.pool", "django.request", "celery.task", "some.library"])
def test_no_secret_reaches_our_log(logger: str) -> None:
    """Whoever writes: what a connection pool says of its address, too."""
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter)]
    told = f"error connecting: postgresql://ops:p4ssw0rd@db/x Bearer {TOKEN} {LINK}"
    record = logging.getLogger(logger).makeRecord(logger, logging.WARNING, "", 0, "%s", (told,), None)
    line = handler.format(record)
    assert [secret for secret in ("p4ssw0rd", TOKEN, "aLongToken") if secret in line] == []


def test_gunicorns_access_line_keeps_its_form() -> None:
    """gunicorn formats a mapping that answers unknown names with "-": only the values are replaced."""
    atoms = SafeAtoms({"h": "192.0.2.7", "r": f"GET {LINK} HTTP/1.1", "s": "200"})
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, '%(h)s "%(r)s" %(s)s %(x)s', (atoms,), None)
    assert logging.getLogger("gunicorn.access").filter(record)
    assert record.getMessage() == '192.0.2.7 "GET /access/link/.../ HTTP/1.1" 200 -'


def test_uvicorns_access_line_is_kept_without_the_link() -> None:
    """uvicorn sets up its own handlers before it loads the application."""
    code = (
        "import logging.config, uvicorn.config\n"
        "logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)\n"
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'ops_console.settings'\n"
        "import django; django.setup()\n"
        f"args = ('127.0.0.1:1', 'GET', '{LINK}?x=1', '1.1', 303)\n"
        "logging.getLogger('uvicorn.access').info('%s - \"%s %s HTTP/%s\" %d', *args)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "/access/link/.../?x=1" in ran.stdout + ran.stderr
    assert "aLongToken" not in ran.stdout + ran.stderr
