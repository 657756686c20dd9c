"""Who acts from a shell: a person of the console, beside the user whom the shell belongs to."""

import getpass
import os

from ops_client.text import is_storable
from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.errors import NotFound


def actor_of_shell(username: str) -> Actor:
    """The active person whom `--as` names. Raises NotFound."""
    user = User.objects.filter(username=username, is_active=True).first() if is_storable(username) else None
    if user is None:
        raise NotFound(f"--as names an active user of the console; there is no {username!r}.")
    return Actor(name=user.username, role=user.role, via="cli", user_id=user.pk, credential=f"shell of {_owner()}")


def _owner() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have a number and no name
        return f"uid {os.getuid()}"
