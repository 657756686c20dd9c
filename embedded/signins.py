"""The demo's sign-ins, as `manage.py seed_demo` has left them."""

import json
from collections.abc import Iterator
from pathlib import Path


def sign_in_lines(file: Path) -> Iterator[str]:
    """One line a sign-in: role, user name, password."""
    for entry in json.loads(file.read_text()):
        yield f"{entry['role']:<9} {entry['username']}  {entry['password']}"
