"""A hash over the files that a step depends on: the step is skipped while none of them changes."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFT_OUT = {"__pycache__", "templates"}


def fingerprint(roots: Iterable[Path]) -> str:
    """One hash over names and contents of all files below the roots."""
    total = hashlib.sha256()
    for root in roots:
        for file in sorted(files_below(root)):
            total.update(f"{file}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def files_below(root: Path) -> Iterator[Path]:
    """Every file that says something; compiled ones and templates do not. A root may be a file."""
    if root.is_file():
        yield root
        return
    for entry in root.iterdir():
        if entry.name not in LEFT_OUT:
            yield from files_below(entry)
