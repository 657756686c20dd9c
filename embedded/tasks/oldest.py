"""`dev.py oldest`: the client on the oldest versions of its dependencies that pyproject.toml allows."""

import argparse
import ast
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

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
# Packages that a test of the client on its own dependencies imports nothing of, itself or through its helpers.
CONSOLE = frozenset(
    {
        "demo",
        "django",
        "embedded",
        "fastapi",
        "flags",
        "http_sfv",
        "httpx",
        "incidents",
        "ops_console",
        "quotas",
        "starlette",
    }
)


def run(_arguments: argparse.Namespace) -> int:
    """Install them, run the client's tests that need no console, and the contract on a real database."""
    environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
    environment.create(VENV)
    with step("Installing the oldest versions"):
        install()
    tests = [str(file) for file in sorted(CLIENT_TESTS.rglob("test_*.py")) if needs_no_console(file)]
    with throwaway_servers() as servers:
        variables = os.environ | SETTINGS | servers.environment(database="postgres")
        with step("Making the contract"):
            # As superuser, which the checks refuse for a console.
            migrate = [str(paths.python_of(paths.VENV)), "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
            require(migrate, variables)
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


def needs_no_console(test: Path) -> bool:
    """Whether a file of tests, with the helpers under tests/ that it imports, imports none of CONSOLE."""
    waiting, seen = [test], set[Path]()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        for name in imported(file):
            if name.partition(".")[0] in CONSOLE:
                return False
            helper = paths.ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and helper.exists() and helper not in seen:
                waiting.append(helper)
    return True


def imported(file: Path) -> set[str]:
    """The modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def require(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Run a command. Raises StartError with the end of what it said when it fails."""
    done = subprocess.run(command, cwd=paths.ROOT, env=dict(variables), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(f"{' '.join(command[1:5])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
