"""A bulk whose worker is killed again and again while it writes, whose database and broker are restarted in between:
what became of every row, and how often anybody was told.

`dev.py bench killing` fails 100,000 episodes and kills ten times. It starts servers of its own, which it may stop.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from benchmarks.operation_rows import PREPARING
from benchmarks.report import Result, print_result
from benchmarks.victims import USERS, make_victims
from embedded import places
from embedded.account import ordinary_account
from embedded.process import Command, Process
from embedded.programs import BEAT, CELERY, WORKER
from embedded.servers import Servers, running
from embedded.tasks.testing import SETTINGS
from tests.waiting import until

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
KILLS = int(os.environ.get("BENCH_KILLS", "10"))
PATIENCE_SECONDS = 120
TO = re.compile(r"^To: (.+)$", re.MULTILINE)
MAIL = "incidents.operations.tasks.mail_users"
START = """
from incidents.operations import services
from incidents.operations.scope import Scope
from ops_console.access.actor import SYSTEM
options = services.Options(notifies=True, frees=True)
services.start(SYSTEM, Scope("episode_assembly"), "fail", "the worker is killed", options=options)
"""
OVER = "SELECT 1 FROM ops.operations_action WHERE state = 'done'"
# In one question: a bulk is over in a second, and each question is a new connection.
WHERE_IT_IS = f"""
SELECT
    EXISTS ({OVER}) AS over,
    (SELECT coalesce(sum(released), 0) FROM ops.operations_chunk) AS released,
    EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'WITH held AS%') AS writing
"""
FACTS = """
WITH sent AS (SELECT unnest(operation_ids) AS id FROM ops.operations_command)
SELECT
    (SELECT count(*) FROM public.episode WHERE status = 'error') AS failed,
    (SELECT sum(changed) FROM ops.operations_chunk) AS counted,
    (SELECT sum((after ->> 'changed')::integer) FROM ops.audit_entry WHERE action = 'operations.release') AS audited,
    (SELECT count(*) FROM ops.operations_outcome) AS exceptions,
    (SELECT count(*) FROM public.notification) AS notifications,
    (SELECT count(DISTINCT title) FROM public.notification) AS notified_once,
    (SELECT count(*) FROM sent) AS in_outbox,
    (SELECT count(DISTINCT id) FROM sent) AS in_outbox_once,
    (SELECT sum(operations) FROM ops.operations_usernotice) AS mailed_of
"""
NOTICES = """
SELECT u.email, n.state FROM ops.operations_usernotice AS n JOIN public."user" AS u ON u.id::text = n.user_id
"""


@dataclass
class Console:
    """Servers, worker and beat, each of which may be stopped or killed."""

    servers: Servers
    worker: Process
    beat: Process
    mails: Path

    def kill_worker(self) -> None:
        """SIGKILL to it and all its children, and a new one in its place."""
        if self.worker.pid is not None:
            os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.start()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.servers.postgres.url(), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def ask_for_mail(self) -> None:
        """As beat does every half minute."""
        with Celery(broker=self.servers.valkey.url.replace("unix://", "redis+socket://", 1)) as app:
            app.send_task(MAIL)

    def addresses(self) -> Counter[str]:
        """How many mails went to each."""
        # Several may stand in one file: Django names it by the second and by whatever object writes it.
        return Counter(one for file in self.mails.glob("*.log") for one in TO.findall(file.read_text()))


@contextmanager
def console() -> Iterator[Console]:
    """The console on servers of its own, without its pages."""
    account = ordinary_account()
    with places.throwaway(account) as home, running(home, home / "log", account) as servers, ExitStack() as stack:
        mails = home / "mails"
        mails.mkdir()
        more = {"UNDO_SECONDS": "0", "UNDO_BULK_SECONDS": "0", "EMAIL_URL": f"filemail:///{mails}"}
        environment = os.environ | SETTINGS | servers.environment() | more
        for step in PREPARING:
            _run(step, environment)
        worker = _program("worker", [*CELERY, *WORKER], home, environment)
        beat = _program("beat", [*CELERY, *BEAT, "--schedule", str(home / "schedule")], home, environment)
        for program in (worker, beat):
            stack.callback(program.stop)
            program.start()
        yield Console(servers, worker, beat, mails)


def kill(at: Console, rows: int, kills: int) -> dict[str, Any]:
    """Fail so many under so many kills; what the rows, the outbox, the audit and the users say of it."""
    with psycopg.connect(at.servers.postgres.url(), autocommit=True) as connection:
        make_victims(connection, rows)
    _run(["manage.py", "shell", "-v0", "-c", START], at.worker.command.environment)
    in_the_middle = [_kill_while_writing(at, number == kills // 2) for number in range(kills)]
    until(lambda: at.rows(OVER), PATIENCE_SECONDS, "the end of the bulk")
    _mail(at)
    return {"rows": rows, "kills": sum(in_the_middle), **_facts(at)}


def _kill_while_writing(at: Console, restart: bool) -> bool:
    """Kill it in the middle of a slice, after it has come further; whether there was one still."""
    ((_, before, _),) = at.rows(WHERE_IT_IS)

    def over_or_writing() -> str:
        ((over, released, writing),) = at.rows(WHERE_IT_IS)
        return "over" if over else "writing" if writing and released != before else ""

    if until(over_or_writing, PATIENCE_SECONDS, "a slice in hand after more rows") == "over":
        return False
    if restart:
        at.servers.postgres.stop()
        at.servers.postgres.start()
        at.servers.valkey.stop()
        at.servers.valkey.start()
    at.kill_worker()
    return True


def _mail(at: Console) -> None:
    """Have all mails sent, and the worker killed when some are."""
    at.ask_for_mail()
    until(at.addresses, PATIENCE_SECONDS, "the first mail")
    at.kill_worker()
    at.ask_for_mail()
    due = "SELECT count(*) FROM ops.operations_usernotice WHERE state = 'due'"
    until(lambda: at.rows(due) == [(0,)], PATIENCE_SECONDS, "the last mail")
    at.worker.stop()


def _facts(at: Console) -> dict[str, Any]:
    with psycopg.connect(at.servers.postgres.url(), row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(FACTS).fetchone() or {}
    mails, states = at.addresses(), dict(at.rows(NOTICES))
    return {
        **{name: int(number or 0) for name, number in found.items()},
        "users": USERS,
        "mailed_once": sum(number == 1 for number in mails.values()),
        "mailed_twice": sum(number > 1 for number in mails.values()),
        "sent_and_without_mail": sum(state == "sent" and not mails[email] for email, state in states.items()),
        "left_as_being_sent": sum(state == "sending" for state in states.values()),
    }


def wrong(facts: dict[str, Any]) -> list[str]:
    """The names of what is not as it must be: every row once, every user told once."""
    each_row = ("failed", "counted", "audited", "notifications", "notified_once", "in_outbox", "in_outbox_once")
    none = ("exceptions", "mailed_twice", "sent_and_without_mail")
    bad = [name for name in (*each_row, "mailed_of") if facts[name] != facts["rows"]]
    bad += [name for name in none if facts[name] != 0]
    # Of one killed while its mail goes out nobody knows whether it went: it says so, and is not sent again.
    if facts["mailed_once"] + facts["left_as_being_sent"] < facts["users"]:
        bad.append("mailed_once")
    return bad


def _program(name: str, arguments: list[str], home: Path, environment: dict[str, str]) -> Process:
    return Process(Command(name, [sys.executable, *arguments], home / "log" / f"{name}.log", environment))


def _run(arguments: list[str], environment: Any) -> None:
    subprocess.run([sys.executable, *arguments], env=dict(environment), check=True, stdout=subprocess.DEVNULL)


def measure() -> Result:
    """The whole, at full size."""
    with console() as at:
        began_at = time.monotonic()
        facts = kill(at, ROWS, KILLS)
        seconds = round(time.monotonic() - began_at, 1)
    facts["wrong"] = wrong(facts)
    return Result("killing", "s", seconds, 0.0, details=facts)


if __name__ == "__main__":
    print_result(measure())
