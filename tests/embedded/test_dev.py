"""`dev.py` as a person meets it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import cli, paths

pytestmark = pytest.mark.process


def dev(*words: str, directory: Path = paths.ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(paths.ROOT / "dev.py"), *words],
        cwd=directory,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("option", "other"), [("--port", "--backend-port"), ("--backend-port", "--port")])
def test_a_taken_port_names_the_option_that_chooses_another(option: str, other: str) -> None:
    """Nothing is started when a port is taken; the message names the port and the option."""
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        port, other_port = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        answer = dev("demo", option, str(port), other, str(other_port))
    assert answer.returncode == 1
    assert f"Port {port} is taken by another program. Choose another one with {option}." in answer.stderr
    assert "PostgreSQL" not in answer.stdout
    assert "Traceback" not in answer.stderr


def test_one_port_for_both_is_refused() -> None:
    """The console and the backend cannot share a port; the message names both options."""
    answer = dev("demo", "--port", "9000", "--backend-port", "9000")
    assert "--port and --backend-port are both 9000" in answer.stderr


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "²"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """A port is a number from 1 to 65535, and the message says so."""
    answer = dev("demo", f"--port={port}")
    assert answer.returncode == 2
    assert f"{port} is not a port: give a number from 1 to 65535" in answer.stderr


def test_pytest_gets_its_arguments_from_any_directory(tmp_path: Path) -> None:
    """Started from elsewhere, `dev.py test` still runs pytest in the checkout, with all its options."""
    answer = dev("test", "--version", "-q", directory=tmp_path, **our_servers())
    assert answer.returncode == 0
    assert "pytest" in answer.stdout + answer.stderr


def test_what_follows_a_benchmark_is_its_own() -> None:
    """Options after the name go to the benchmark, whichever they are."""
    arguments = cli.parse(["bench", "operations", "--rows", "10000000", "--json"])
    assert (arguments.name, arguments.options) == ("operations", ["--rows", "10000000", "--json"])


def test_an_unknown_benchmark_is_answered_with_those_there_are() -> None:
    """A wrong name shows the right ones."""
    answer = dev("bench", "no-such-thing")
    assert answer.returncode == 1
    assert "There is no benchmark 'no-such-thing'; there are" in answer.stderr


def test_an_older_python_is_told_which_it_needs(tmp_path: Path) -> None:
    """The version check comes before anything that an older Python could not read."""
    code = f"import sys; sys.version_info = (3, 10, 1); exec(open({str(paths.ROOT / 'dev.py')!r}).read())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.strip() == "Ops Console needs Python 3.11 or newer, and this is 3.10."


def our_servers() -> dict[str, str]:
    """The running tests' own servers, so that none need to be started."""
    return {"TEST_DATABASE_URL": os.environ["DATABASE_URL"], "TEST_REDIS_URL": os.environ["REDIS_URL"]}
