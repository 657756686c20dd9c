"""`dev.py oldest`: the client on the oldest versions of its dependencies that pyproject.toml allows."""

import argparse
import os
import subprocess
from collections.abc import Mapping, Sequence

from embedded import environment, paths
from embedded.console import step
from embedded.errors import StartError
from embedded.servers import throwaway_servers
from embedded.tasks.testing import SETTINGS, run_in_foreground

VENV = paths.ROOT / ".oldest-venv"
CLIENT_TESTS = paths.ROOT / "tests" / "client"
# Against a real database; named so that the whole suite, which has the newest versions, leaves it alone.
CONTRACT = paths.ROOT / "tests" / "oldest" / "contract.py"
TOOLS = ("uv==0.13.9", "pytest==9.2.0", "hypothesis==6.170.15")
# What a test imports that needs more than the client's own dependencies.
CONSOLE = ("django", "fastapi", "starlette", "http_sfv", "ops_console", "flags.models", "quotas.models", "embedded")


def run(_arguments: argparse.Namespace) -> int:
    """Install them, run the client's tests that need no console, and the contract on a real database."""
    environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
    environment.create(VENV)
    with step("Installing the oldest versions"):
        install()
    tests = [str(file) for file in sorted(CLIENT_TESTS.rglob("test_*.py")) if needs_no_console(file.read_text())]
    with throwaway_servers() as servers:
        variables = os.environ | SETTINGS | servers.environment(database="postgres")
        with step("Making the contract"):
            require([str(paths.python_of(paths.VENV)), "manage.py", "migrate", "--verbosity", "0"], variables)
        options = ["-c", "/dev/null", "--rootdir", str(paths.ROOT), "--confcutdir", str(CLIENT_TESTS)]
        options += ["--import-mode", "importlib", "-p", "no:cacheprovider", "-q"]
        command = [str(paths.python_of(VENV)), "-m", "pytest", *options, str(CONTRACT), *tests]
        return run_in_foreground(command, variables)


def install() -> None:
    """The client's own dependencies at their lowest, and the tools of its tests. Raises StartError."""
    python = str(paths.python_of(VENV))
    require([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOLS[0]], os.environ)
    # The certificates that pip trusts: a company's proxy may sign with one of its own.
    uv = [python, "-m", "uv", "pip", "install", "--system-certs", "--quiet", "--python", python]
    lowest = ["--resolution", "lowest-direct", "-r", "pyproject.toml", "--extra", "openfeature", "--extra", "sentry"]
    require([*uv, *lowest], os.environ)
    require([*uv, *TOOLS[1:]], os.environ)


def needs_no_console(source: str) -> bool:
    """Whether a file of tests imports the client alone."""
    return not any(name in source for name in CONSOLE)


def require(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run a command. Raises StartError with the end of what it said when it fails."""
    done = subprocess.run(command, cwd=paths.ROOT, env=dict(variables), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(f"{' '.join(command[1:5])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
