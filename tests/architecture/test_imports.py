"""Who may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig, apps

from embedded import paths
from embedded.tasks.checks import LINT_IMPORTS

# Pages that speak of everything, and settings, may know everything.
COMPOSITION_ROOT = "ops_console"
# Shared by design: everybody is somebody, and everything may be audited.
SHARED = {"access", "approvals", "audit", "contract", "pending_changes", "telemetry"}


def test_the_import_contracts_hold() -> None:
    """The layers of pyproject.toml are kept."""
    done = subprocess.run([sys.executable, "-c", LINT_IMPORTS], cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_app_imports_the_models_of_another() -> None:
    """What one app keeps, another asks for through its queries and services. What all share is exempt."""
    owners = {f"{app.name}.models": app.label for app in own_apps()}
    found = [
        f"{file.relative_to(paths.ROOT)} imports {module}"
        for app in own_apps()
        if app.name != COMPOSITION_ROOT
        for file in Path(app.path).rglob("*.py")
        for module in imported(file)
        if owners.get(module, app.label) not in {app.label, *SHARED} and owner_of(file) == app.label
    ]
    assert not found


def own_apps() -> list[AppConfig]:
    return [app for app in apps.get_app_configs() if is_ours(Path(app.path))]


def owner_of(file: Path) -> str:
    """The innermost app that a file stands in: the root package holds others below it."""
    holders = [app for app in own_apps() if file.is_relative_to(app.path)]
    return str(max(holders, key=lambda app: len(app.path)).label)


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def is_ours(path: Path) -> bool:
    return path.is_relative_to(paths.ROOT) and not path.is_relative_to(paths.VENV)
