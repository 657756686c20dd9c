"""Users and groups whom a flag lists by name: waffle's, of the console itself. The admin edits them, and imports."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from flags import services
from flags.models import Flag
from flags.prerequisites import protected_dependents
from ops_client.json_types import same_json
from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.access.roles import Role, require
from ops_console.audit.services import record
from ops_console.errors import InvalidInput


def set_listed(actor: Actor, flag: Flag, names: Mapping[str, Any], reason: str = "", is_new: bool = False) -> None:
    """Make `groups` and `users` be those named, where they are named. Raises InvalidInput for a name that is none.

    A protected flag is refused, but for one that is only just being made.
    """
    require(actor, Role.OPERATOR)
    wanted = {kind: _names(kind, names[kind]) for kind in ("groups", "users") if names.get(kind) is not None}
    with transaction.atomic():
        before = listed(flag)
        after = before | wanted
        if same_json(before, after):
            return
        affected = [] if flag.protected or is_new else protected_dependents(flag.name)
        if affected or (flag.protected and not is_new):
            services.require_confirmed(flag.name, before, after, reason, "", affected)
        for kind, chosen in wanted.items():
            getattr(flag, kind).set(_rows(kind, chosen))
        flag.version += 1
        flag.save(update_fields=["version"])
        record(actor, "flag.list", services.target(flag), before=before, after=after, reason=reason)


def listed(flag: Flag) -> dict[str, list[str]]:
    """Who is listed, by name."""
    return {
        "groups": sorted(flag.groups.values_list("name", flat=True)),
        "users": sorted(flag.users.values_list("username", flat=True)),
    }


def _names(kind: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidInput(kind, f"{kind}: is a list of names.")
    return sorted(set(value))


def _rows(kind: str, names: Iterable[str]) -> list[Any]:
    found: dict[str, Any] = (
        {group.name: group for group in Group.objects.filter(name__in=names)}
        if kind == "groups"
        else {user.username: user for user in User.objects.filter(username__in=names)}
    )
    if missing := [name for name in names if name not in found]:
        raise InvalidInput(kind, f"{kind}: there is nobody here named {', '.join(missing)}.")
    return list(found.values())
