"""Where things stand in this checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BENCH_VENV = ROOT / ".bench-venv"
# DEMO_HOME lets several demos of one checkout stand side by side, each with data of its own.
LOCAL = Path(os.environ.get("DEMO_HOME") or ROOT / ".local").absolute()
LOG = LOCAL / "log"
SIGN_INS = LOCAL / "sign-ins.json"
SHELLS = LOCAL / "shell"


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / "bin" / "python"


def script(name: str) -> str:
    """A console script of the product's environment, by full path."""
    return str(VENV / "bin" / name)
