"""Files for a shell: sourced, `manage.py` and backends of one's own find the running demo as one database role."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from embedded import paths
from embedded.surroundings import Surroundings

ROLES = {"console": "ops_console", "owner": "ops_owner", "backend": "podcast_backend"}


def write_shells(directory: Path, surroundings: Surroundings) -> None:
    """One file a role, readable by its owner alone: the signing key is in it."""
    directory.mkdir(mode=0o700, exist_ok=True)
    for name, role in ROLES.items():
        opened = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w") as file:
            file.writelines(_lines(surroundings.own(role)))


def _lines(environment: dict[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield f"export {name}={shlex.quote(value)}\n"
    yield f'export PATH={shlex.quote(str(paths.VENV / "bin"))}:"$PATH"\n'
