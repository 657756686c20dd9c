"""Every statement that the client sends, by name. The files beside this one hold them, under `-- name:` lines."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """All named statements. Raises ValueError when two files use one name."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).parent.glob("*.sql")):
        _, *pieces = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise ValueError(f"{file.name}: the statement {name} is already in another file")
            found[name] = text.strip()
    return found
