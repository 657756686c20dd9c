"""`dev.py check`: everything that reads the code rather than running it."""

import argparse
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from embedded import environment, paths
from embedded.console import say, step
from embedded.process import dying_with_parent
from embedded.servers import throwaway_servers

# Long and varied enough for Django's own check of it; it signs nothing.
PRODUCTION = {
    "DEBUG": "0",
    "HTTPS": "1",
    "ENVIRONMENT": "production",
    "ALLOWED_HOSTS": "console.example",
    "EMAIL_URL": "smtp+tls://console@mail.example:587",
    "SECRET_KEY": "only-for-checks-" + "".join(map(chr, range(48, 120))),
    "DJANGO_SETTINGS_MODULE": "ops_console.settings",
}
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as command; command()"


@dataclass(frozen=True)
class Check:
    """What is checked, and the arguments to Python that check it."""

    title: str
    arguments: Sequence[str]


CHECKS = (
    Check("Lint (ruff check)", ("-m", "ruff", "check")),
    Check("Format (ruff format)", ("-m", "ruff", "format", "--check")),
    Check("Types (mypy)", ("-m", "mypy")),
    Check("Import contracts (lint-imports)", ("-c", LINT_IMPORTS)),
    Check("Migrations (makemigrations --check)", ("manage.py", "makemigrations", "--check", "--dry-run")),
    Check("Deployment (check --deploy)", ("manage.py", "check", "--deploy", "--fail-level", "WARNING")),
)


def run(_arguments: argparse.Namespace) -> int:
    """Run every check, also after one has failed; 1 when any did."""
    environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
    with throwaway_servers() as servers:
        variables = os.environ | servers.environment(database="postgres") | PRODUCTION
        failed = [check for check in CHECKS if not passes(check, variables)]
    say(f"{len(failed)} of {len(CHECKS)} checks failed." if failed else f"All {len(CHECKS)} checks passed.")
    return 1 if failed else 0


def passes(check: Check, variables: dict[str, str]) -> bool:
    """Run one check and show what it has found."""
    with step(check.title):
        command = [str(paths.python_of(paths.VENV)), *check.arguments]
        done = subprocess.run(
            dying_with_parent(command),
            cwd=paths.ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return True
    say(f"FAILED: {check.title}\n{done.stdout}")
    return False
