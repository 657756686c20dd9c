"""What only the owner of the checkout may read."""

import os
import secrets
from pathlib import Path


def secret_key(file: Path) -> str:
    """The demo's SECRET_KEY: made once and kept, so that sessions outlive a restart."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_urlsafe(50))
    return file.read_text()
