"""What an import reads: our own documents, Unleash's, and fixtures of waffle's; each as rows to store."""

from typing import Any

from flags.promotion.writing import FORMAT, VERSION
from ops_client.errors import OpsError
from ops_client.flags import waffle as waffle_fixture
from ops_client.flags.imported import Imported
from ops_client.flags.unleash import translate
from ops_console.errors import InvalidInput

# A flag that comes from elsewhere is let in by what stands there, and by nothing that stood here before.
NOBODY: dict[str, Any] = {
    "percent": None,
    "superusers": False,
    "staff": False,
    "authenticated": False,
    "testing": False,
    "languages": "",
    "rules": [],
    "variants": [],
    "prerequisites": [],
    "on_at": None,
    "off_at": None,
    "groups": [],
    "users": [],
}


def own(document: Any) -> Imported:
    """What `export` wrote, here or in another environment. Raises InvalidInput for anything else."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidInput("file", f'file: is no export of flags; one begins with {{"format": "{FORMAT}"}}.')
    if document.get("version") != VERSION:
        raise InvalidInput("file", f"file: is of version {document.get('version')!r}; this console reads {VERSION}.")
    flags, segments = _rows(document, "flags"), _rows(document, "segments")
    return Imported(flags, segments)


def unleash(document: Any) -> Imported:
    """Unleash's client features document. Raises InvalidInput where it is none."""
    return _translated(translate.rows, document)


def waffle(document: Any) -> Imported:
    """A fixture of django-waffle's. Raises InvalidInput where it is none."""
    return _translated(waffle_fixture.rows, document)


def _translated(read: Any, document: Any) -> Imported:
    try:
        found: Imported = read(document)
    except OpsError as error:
        raise InvalidInput("file", f"file: {error.message}") from error
    return Imported(tuple({**NOBODY, **row} for row in found.flags), found.segments, found.problems)


def _rows(document: dict[str, Any], part: str) -> tuple[dict[str, Any], ...]:
    rows = document.get(part, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("file", f"file: {part} is a list of objects.")
    return tuple(rows)
