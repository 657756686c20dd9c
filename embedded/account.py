"""Which user the servers run as: PostgreSQL refuses root, and nothing else should need it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.errors import StartError

ORDINARY_USERS = ("nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """A user to run servers as; `uid` is None where we are already an ordinary user."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """What `subprocess` needs to start a process as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, permission: str, path: Path) -> bool:
        """Whether this user may `r`ead, `w`rite or e`x`ecute (enter) a path, asked as that user."""
        question = ["/usr/bin/test", f"-{permission}", str(path)]
        return subprocess.run(question, check=False, **self.popen_options()).returncode == 0

    def own(self, path: Path) -> Path:
        """Make a private directory of this user, or take an existing one over."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)
        return path


def ordinary_account() -> Account:
    """The invoking user, or for root an ordinary one.

    Raises StartError where root may not change its user.
    """
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name if _is_named() else str(os.geteuid()))
    account = _first_existing()
    try:
        account.can("r", Path("/"))
    except PermissionError as error:
        raise StartError(
            f"The servers must not run as root, and this root may not start a process as {account.name}. "
            "Start dev.py as an ordinary user."
        ) from error
    return account


def _is_named() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _first_existing() -> Account:
    for name in ORDINARY_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartError(f"The servers must not run as root, and there is no {' or '.join(ORDINARY_USERS)} to be.")
