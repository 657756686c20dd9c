"""Servers of a test's own, and a supervising process that a test may kill."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import paths, places
from embedded.account import Account, ordinary_account
from tests.embedded.victim import Victim


@pytest.fixture(scope="session")
def account() -> Account:
    return ordinary_account()


@pytest.fixture
def home(account: Account) -> Iterator[Path]:
    """A private directory with a short path, gone afterwards."""
    with places.throwaway(account) as directory:
        yield directory


@pytest.fixture
def start_victim(tmp_path: Path) -> Iterator["StartVictim"]:
    """Starts processes that run servers and a program under a supervisor; what is left of them is ended."""
    start = StartVictim(tmp_path)
    yield start
    for victim in start.victims:
        victim.end()


class StartVictim:
    def __init__(self, log: Path) -> None:
        self.log = log
        self.victims: list[Victim] = []

    def __call__(self, home: Path) -> Victim:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.supervising", str(home), str(self.log)],
            cwd=paths.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        victim = Victim(child)
        self.victims.append(victim)
        victim.read_pids()
        return victim
