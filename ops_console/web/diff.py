"""Two versions of a thing, field by field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops_client.json_types import same_json

ABSENT = "–"


@dataclass(frozen=True)
class Change:
    """One field; `changed` is False for a field that stands alike on both sides."""

    field: str
    before: str
    after: str
    changed: bool


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, every: bool = False) -> list[Change]:
    """The fields that differ, in the order they were written; all fields with `every`."""
    old, new = before or {}, after or {}
    fields = [*old, *(name for name in new if name not in old)]
    rows = [
        Change(name, _text(old, name), _text(new, name), not same_json(_kept(old.get(name)), _kept(new.get(name))))
        for name in fields
    ]
    return [row for row in rows if every or row.changed]


def _kept(value: Any) -> Any:
    """Nothing, in whatever form: a new thing's empty fields are no news."""
    return None if value in ("", [], {}) else value


def _text(version: Mapping[str, Any], name: str) -> str:
    value = version.get(name)
    if value is None or value == "":
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, indent=1, sort_keys=True, default=str, ensure_ascii=False)
    return str(value)
