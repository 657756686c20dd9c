"""Where data and sockets go: private, within reach of the servers' user, and short enough for a socket."""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import paths
from embedded.account import Account
from embedded.errors import StartError

SOCKET_PATH_LIMIT_BYTES = 107
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"
THROWAWAY_PREFIX = "ops-console-run-"
ABANDONED_SECONDS = 60
# Others can write there, so whatever is found under our name must be ours: see outside_home.
OUTSIDE = Path("/var/tmp")  # noqa: S108


def data_home(account: Account) -> Path:
    """The lasting home of the demo's servers: in the checkout, or outside where that is closed to them."""
    paths.LOCAL.mkdir(parents=True, exist_ok=True)
    if account.can("x", paths.LOCAL):
        return paths.LOCAL / "servers"
    return outside_home(paths.LOCAL) / "servers"


def outside_home(inside: Path) -> Path:
    """What stands outside for a directory that is closed to the servers' user: the same one every time.

    Raises StartError when somebody else has taken its name.
    """
    key = hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]
    home = OUTSIDE / f"ops-console-{key}"
    home.mkdir(mode=0o755, exist_ok=True)
    status = home.lstat()
    if home.is_symlink() or status.st_uid != os.geteuid():
        raise StartError(f"{home} is needed for the servers' data, but belongs to another user. Remove it.")
    home.chmod(0o755)
    return home


@contextmanager
def throwaway(account: Account) -> Iterator[Path]:
    """A private directory that is gone afterwards; what killed runs have left is cleared first."""
    _clear_abandoned()
    home = Path(tempfile.mkdtemp(prefix=THROWAWAY_PREFIX))
    with held(home):
        try:
            yield account.own(home)
        finally:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def socket_directory(home: Path, account: Account) -> Iterator[Path]:
    """A place for sockets: `home/run`, or a short temporary one when that path is too long for a socket."""
    directory = home / "run"
    if len(os.fsencode(directory)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT_BYTES:
        yield account.own(directory)
        return
    with throwaway(account) as short:
        yield short


@contextmanager
def held(directory: Path, busy: str = "") -> Iterator[None]:
    """Hold a directory for this process. The kernel lets go of it however we end, and no lock file is left.

    Raises StartError with the text `busy` when another process holds it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, busy or f"{directory} is in use by another process.")
        yield
    finally:
        os.close(descriptor)


@contextmanager
def waiting_for(directory: Path) -> Iterator[None]:
    """The same, but wait until the other process lets go."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, busy: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StartError(busy) from error


def _clear_abandoned() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{THROWAWAY_PREFIX}*"):
        try:
            if time.time() - directory.stat().st_mtime > ABANDONED_SECONDS:
                with held(directory):
                    shutil.rmtree(directory, ignore_errors=True)
        except (OSError, StartError):
            continue  # In use, gone meanwhile, or another user's: none of ours to clear.
