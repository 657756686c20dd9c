"""Taking a change back: a new change through the same service, refused where somebody has changed the thing since.

An app registers how its things are changed back; the fields and the comparison are worked out here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ops_client.json_types import same_json
from ops_console.access.actor import Actor
from ops_console.audit.models import Entry
from ops_console.audit.queries import entry
from ops_console.errors import Conflict, InvalidInput

# Takes the actor, the entry, the reason and the name that was typed to confirm it.
Reverter = Callable[[Actor, Entry, str, str], models.Model]
_REVERTERS: dict[str, Reverter] = {}


def register(target_type: str, reverter: Reverter) -> None:
    """Name the service that takes back changes of things of this type."""
    _REVERTERS[target_type] = reverter


def revert(actor: Actor, entry_id: int, reason: str = "", typed_name: str = "") -> models.Model:
    """Take the change of one entry back; the thing as it is then.

    Raises NotFound, NotAllowed, InvalidInput where there is nothing to take back, and Conflict with both versions
    where what the entry changed has been changed since.
    """
    found = entry(entry_id)
    if not can_revert(found):
        raise InvalidInput("entry", f"{found.action} cannot be taken back here.")
    return _REVERTERS[found.target_type](actor, found, reason, typed_name)


def can_revert(entry: Entry) -> bool:
    """Whether the entry changed a thing that was there before and after, of a type that can be changed back."""
    return entry.target_type in _REVERTERS and bool(entry.before) and bool(entry.after)


def taken_back(entry: Entry, row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """What to set of these fields of `row` so that they are as they were before the entry.

    Raises InvalidInput where the entry changed none of them or all are as before, Conflict where one has changed since.
    """
    before, after, now = entry.before or {}, entry.after or {}, _plain(row, fields)
    read = [field for field in now if field in before and field in after]
    changed = [field for field in read if not same_json(_value(row, field, before), _value(row, field, after))]
    if not changed:
        raise InvalidInput("entry", "This entry changed nothing that can be taken back here.")
    if all(same_json(_value(row, field, now), _value(row, field, before)) for field in changed):
        raise InvalidInput("entry", f"Nothing to revert: {entry.target_label} has the values from before this change.")
    if not all(same_json(_value(row, field, now), _value(row, field, after)) for field in changed):
        message = f"{entry.target_label} was changed again after this entry."
        current, submitted = ({field: values[field] for field in changed} for values in (now, before))
        raise Conflict(message, current, submitted, (entry.target_type, entry.target_id))
    return {field: _value(row, field, before) for field in changed}


def _plain(row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """The row as an entry would have it."""
    values = {field: getattr(row, field) for field in fields}
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


def _value(row: models.Model, field: str, values: Mapping[str, Any]) -> Any:
    """A field's value out of an entry: 5 and 5.00 are one number, and an entry's times have milliseconds."""
    value = row._meta.get_field(field).to_python(values[field])  # type: ignore[union-attr]
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value
