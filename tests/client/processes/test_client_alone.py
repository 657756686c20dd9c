"""The client as a backend installs it: from a wheel of its own, with no Django anywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded import paths

pytestmark = pytest.mark.process
CONSOLE = ("django", "celery", "ops_console", "flags", "quotas", "incidents", "demo", "embedded")

# Imports every module of the client where nothing of the console can be imported.
IMPORT_ALL = """
import importlib.abc, json, pkgutil, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ImportError(f"{name} is not for a backend")

sys.meta_path.insert(0, Blocked())
import ops_client
from ops_client.sql import statements
names = [module.name for module in pkgutil.walk_packages(ops_client.__path__, "ops_client.")]
for name in names:
    importlib.import_module(name)
print(json.dumps({"file": ops_client.__file__, "modules": names, "statements": len(statements())}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the wheel holds. Built from a copy, since a build leaves files beside the sources."""
    home = tmp_path_factory.mktemp("client")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(paths.ROOT / name, home)
    shutil.copytree(paths.ROOT / "ops_client", home / "ops_client", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    target = home / "installed"
    done = subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(target), str(home)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def imported(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a Python says that can import the installed client and nothing of the console."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, ",".join(CONSOLE)],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_wheel_holds_the_client_alone(installed: Path) -> None:
    """Nothing but `ops_client` comes with it: not the console, not the tests."""
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"ops_client"}


def test_every_module_works_without_django(imported: dict[str, Any], installed: Path) -> None:
    """Each module of the installed client can be imported where Django and the console cannot."""
    assert Path(imported["file"]).is_relative_to(installed)
    assert "ops_client.client" in imported["modules"]


def test_the_wheel_brings_its_statements(imported: dict[str, Any]) -> None:
    """The SQL files are packaged: a client without them could not ask for anything."""
    assert imported["statements"] > 10


def test_the_metadata_names_no_django(installed: Path) -> None:
    """What pip would install with it holds neither Django nor anything else of the console's."""
    metadata = next(installed.glob("*.dist-info/METADATA")).read_text()
    required = [line.split()[1].lower() for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert required
    assert not [name for name in required if name.startswith(("django", "celery", "fastapi"))]
