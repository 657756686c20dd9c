"""Brings the demo's database and static files up to date, and does nothing when nothing has changed."""

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from embedded import paths
from embedded.console import step
from embedded.errors import StartError
from embedded.fingerprint import fingerprint
from embedded.process import dying_with_parent
from embedded.surroundings import Surroundings

SOURCES = ("ops_client", "ops_console", "flags", "quotas", "incidents", "demo", "static", "requirements.txt")
STATIC_MANIFEST = paths.ROOT / "staticfiles" / "staticfiles.json"


@dataclass(frozen=True)
class Step:
    """A command of the console or the demo, and the database role that it runs as."""

    title: str
    role: str
    arguments: Sequence[str]
    # It writes into the checkout, which several systems of one checkout share: one at a time.
    in_checkout: bool = False


# As superuser, who may give what belongs to the backend's role.
GRANT_CONSOLE = ("manage.py", "grant_console", "ops_console", "--apply")
STEPS = (
    Step("Making roles, database and the podcast's tables", "postgres", ["-m", "demo.bootstrap"]),
    Step("Filling the podcast's tables", "podcast_backend", ["-m", "demo.seed"]),
    Step("Migrating", "ops_owner", ["manage.py", "migrate", "--no-input"]),
    Step("Granting the backend its rights", "ops_owner", ["manage.py", "grant_backend", "podcast_backend"]),
    Step("Granting the console its rights", "postgres", GRANT_CONSOLE),
    Step("Making sign-ins and first settings", "ops_owner", ["manage.py", "seed_demo"]),
    Step("Collecting static files", "ops_console", ["manage.py", "collectstatic", "--no-input"], in_checkout=True),
)


def prepare(home: Path, surroundings: Surroundings) -> None:
    """Run every step, unless they have all been run on this data with these sources. Raises StartError."""
    stamp, wanted = home / "prepared", fingerprint(paths.ROOT / name for name in SOURCES)
    done = stamp.is_file() and stamp.read_text() == wanted
    if done and STATIC_MANIFEST.is_file() and paths.SIGN_INS.is_file():
        return
    stamp.unlink(missing_ok=True)
    for one in STEPS:
        with step(one.title), _alone() if one.in_checkout else nullcontext():
            run(one, surroundings)
    stamp.write_text(wanted)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process of this checkout is in such a block."""
    root = os.open(paths.ROOT, os.O_RDONLY)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)  # on the directory: no file is left behind
        yield
    finally:
        os.close(root)


def run(one: Step, surroundings: Surroundings) -> None:
    """Run one step to its end. Raises StartError with what it printed last."""
    done = subprocess.run(
        dying_with_parent([str(paths.python_of(paths.VENV)), *one.arguments]),
        cwd=paths.ROOT,
        env=surroundings.of_role(one.role),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n  ".join(done.stdout.splitlines()[-25:])
        raise StartError(f"`{' '.join(one.arguments)}` failed. The end of what it printed:\n  {last}")
