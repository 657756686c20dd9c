"""Settings of a resource as they are typed in a shell: FIELD=VALUE."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from ops_console.errors import InvalidInput
from quotas.limits import read_limit
from quotas.models import Resource
from quotas.settings_services import EDITABLE

_NONE = "none"
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}


def read_settings(pairs: Iterable[str], resource: Resource) -> dict[str, Any]:
    """The values of FIELD=VALUE texts, for a resource as it is without them. Raises InvalidInput naming the field."""
    texts: dict[str, str] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or name not in EDITABLE or name in texts:
            raise InvalidInput("setting", f"{pair[:80]!r}: give FIELD=VALUE, each once, of {', '.join(EDITABLE)}.")
        texts[name] = text.strip()
    values = {name: _value(name, text) for name, text in texts.items() if name != "default_limit"}
    if "default_limit" in texts:  # last: how it may be typed depends on the unit
        unit = Resource(name=resource.name, kind=resource.kind, unit=values.get("unit", resource.unit))
        unit.allow_unlimited = True
        text = texts["default_limit"]
        values["default_limit"] = None if text.lower() == _NONE else read_limit(unit, text)
    return values


def _value(name: str, text: str) -> Any:
    field: Any = Resource._meta.get_field(name)
    if isinstance(field, models.BooleanField):
        if text.lower() not in _TRUTHS:
            raise InvalidInput(name, f"{name}: {text[:40]!r} is neither yes nor no.")
        return _TRUTHS[text.lower()]
    if isinstance(field, models.IntegerField):
        if field.null and text.lower() == _NONE:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidInput(name, f"{name}: {text[:40]!r} is not a whole number.")
        return int(text)
    return text
