"""The virtual environment: made when missing, filled from hashed locks, left alone while unchanged."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from embedded import paths
from embedded.console import Counter, step
from embedded.errors import StartError
from embedded.places import waiting_for

STAMP = ".lock-sha256"
HAS_PIP = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('pip'))"
COMPILE = """--universal --generate-hashes --python-version 3.11
    --no-emit-index-url --no-emit-find-links --no-header"""


def ensure(venv: Path, locks: Sequence[Path]) -> None:
    """Have exactly these locks installed in `venv`. Raises StartError with what to do when that fails."""
    stamp, wanted = venv / STAMP, digest(locks)
    if stamp_is(stamp, wanted) and works(venv):
        return
    venv.mkdir(exist_ok=True)
    with waiting_for(venv):
        if stamp_is(stamp, wanted) and works(venv):
            return
        if not works(venv):
            create(venv)
        for lock in locks:
            install(venv, lock)
        stamp.write_text(wanted)


def digest(files: Sequence[Path]) -> str:
    """One hash over the contents of files, in order."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def stamp_is(stamp: Path, wanted: str) -> bool:
    """Whether the last complete installation was of these locks."""
    return stamp.is_file() and stamp.read_text() == wanted


def works(venv: Path) -> bool:
    """Whether the environment's own interpreter still runs and has pip."""
    return _run([str(paths.python_of(venv)), "-c", HAS_PIP]) == 0


def create(venv: Path) -> None:
    """Make an empty environment. Raises StartError with the one apt line where venv is not installed."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise StartError("Python's venv module is not installed here. Install it: apt install python3-venv")
    with step(f"Making {venv.name}"):
        command = [sys.executable, "-m", "venv", "--clear", str(venv)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise StartError(f"{venv} could not be made:\n{made.stdout}{made.stderr}")


def install(venv: Path, lock: Path) -> None:
    """Install one lock, every file checked against its hash: by uv where it is at hand, else by pip."""
    uv = working_uv()
    with step(f"Installing {lock.name}"):
        if uv is None or _run([uv, "pip", "install", "--python", str(paths.python_of(venv)), *_wanted(lock)]):
            _install_by_pip(venv, lock)


def working_uv() -> str | None:
    """A uv on the PATH that runs (a shim may not)."""
    found = shutil.which("uv")
    return found if found and _run([found, "--version"]) == 0 else None


def _install_by_pip(venv: Path, lock: Path) -> None:
    pip = [str(paths.python_of(venv)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    counter = Counter(sum("==" in line for line in lock.read_text().splitlines() if line[:1].isalnum()))
    with subprocess.Popen(
        [*pip, "install", "--progress-bar", "off", *_wanted(lock)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        lines = []
        for line in running.stdout or ():
            lines.append(line)
            if line.startswith(("Collecting", "Requirement already")):
                counter.advance()
    if running.returncode != 0:
        raise StartError(f"pip could not install {lock.name}. Its last words:\n{''.join(lines[-15:])}")


def _wanted(lock: Path) -> list[str]:
    return ["--require-hashes", "-r", str(lock)]


def _run(command: Sequence[str]) -> int:
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode
    return 1


def compile_locks() -> None:
    """Compile all locks from their *.in files. Raises StartError without uv, or without a solution."""
    uv = working_uv()
    if uv is None:
        raise StartError("Compiling the locks needs uv (installing them does not): pip install uv")
    with_product = ("-c", "requirements.txt")
    for name, constraint in (("requirements", ()), ("requirements-dev", with_product), ("benchmarks/peers", ())):
        with step(f"Compiling {name}.txt"):
            _compile(uv, name, constraint)


def _compile(uv: str, name: str, constraint: Sequence[str]) -> None:
    command = [uv, "pip", "compile", *COMPILE.split(), *constraint, f"{name}.in", "-o", f"{name}.txt"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartError(f"{name}.in has no solution:\n{done.stderr}")
