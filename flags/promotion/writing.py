"""Flags as a document that another console's import reads: what they say, and nothing that only this one knows."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from flags.models import Flag, Segment
from flags.prerequisites import parents
from flags.services import EDITABLE
from ops_console.audit.services import snapshot
from ops_console.errors import NotFound

FORMAT = "ops-console-flags"
VERSION = 1


def export(names: Iterable[str] = ()) -> dict[str, Any]:
    """The named flags in force with all that they depend on and the segments they use; without names, all of them.

    Raises NotFound for a name that is none.
    """
    flags = _flags(list(names))
    used = {name for flag in flags for rule in flag.rules for name in rule.get("segments") or []}
    segments = Segment.objects.filter(name__in=used) if names else Segment.objects.all()
    document = {
        "format": FORMAT,
        "version": VERSION,
        "environment": settings.ENVIRONMENT,
        "exported_at": timezone.now(),
        "segments": [snapshot(segment, ("name", "note", "constraints")) for segment in segments],
        "flags": [portable(flag) for flag in flags],
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, cls=DjangoJSONEncoder))
    return plain


def portable(flag: Flag) -> dict[str, Any]:
    """What of a flag means the same elsewhere: listed users and groups go by name."""
    listed = {
        "groups": sorted(group.name for group in flag.groups.all()),
        "users": sorted(user.get_username() for user in flag.users.all()),
    }
    # Times whole: the encoder of JSON would cut them to milliseconds, and every import would seem to change them.
    said = snapshot(flag, ("name", "everyone", *EDITABLE))
    said |= {field: value.isoformat() for field, value in said.items() if isinstance(value, datetime)}
    return said | listed


def _flags(names: list[str]) -> list[Flag]:
    found = Flag.objects.filter(archived_at=None).prefetch_related("users", "groups").order_by("name")
    if not names:
        return list(found)
    known = {flag.name: flag for flag in found}
    wanted: dict[str, Flag] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in known:
            raise NotFound(f"There is no flag named {name!r} in force.")
        wanted[name] = known[name]
        waiting += [parent for parent in parents(known[name].prerequisites) if parent not in wanted and parent in known]
    return [wanted[name] for name in sorted(wanted)]
