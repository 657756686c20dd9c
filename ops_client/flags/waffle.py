"""Flags, switches and samples out of a fixture of django-waffle (`manage.py dumpdata --natural-foreign waffle`)."""

from collections.abc import Callable, Mapping

from ops_client.errors import InvalidInput
from ops_client.flags import fields
from ops_client.flags.imported import Imported, Row
from ops_client.flags.rules import Problem

Fields = Mapping[str, object]
_YES_OR_NO = ("testing", "superusers", "staff", "authenticated")


def rows(fixture: object) -> Imported:
    """Rows to store. `groups` and `users` are natural keys, for the storing side to look up.

    A switch is a flag that is on or off for everyone, a sample one that is drawn at every check. Models of other apps
    are passed over; a project's own flag model is known by waffle's fields. Raises InvalidInput, naming the place.
    """
    if not isinstance(fixture, list):
        raise InvalidInput("fixture", "is the list that Django's dumpdata writes")
    found: dict[str, Row] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(fixture):
        model, values = _instance(raw, f"fixture[{number}]")
        read = _reader(model, values)
        if read is None:
            continue
        row = read(values)
        name = str(row["name"])
        if name in found:
            problems.append(Problem(name, model, "has the name of another one in this fixture and is left out"))
        else:
            found[name] = row
            problems += _unnamed(name, values)
    return Imported(tuple(found.values()), problems=tuple(problems))


def _instance(raw: object, place: str) -> tuple[str, Fields]:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("fields"), Mapping):
        raise InvalidInput(place, "is an object with model and fields")
    return fields.string(raw.get("model"), f"{place}.model").lower(), raw["fields"]


def _reader(model: str, values: Fields) -> Callable[[Fields], Row] | None:
    if model == "waffle.switch":
        return _switch
    if model == "waffle.sample":
        return _sample
    return _flag if {"name", "everyone", *_YES_OR_NO} <= values.keys() else None


def _flag(values: Fields) -> Row:
    everyone, percent = values["everyone"], values.get("percent")
    return {
        **_common(values),
        "everyone": None if everyone is None else fields.boolean(everyone, "everyone"),
        "percent": None if percent is None else fields.percentage(percent),
        **{field: fields.boolean(values[field], field) for field in _YES_OR_NO},
        "languages": fields.string(values.get("languages") or "", "languages"),
        "groups": _natural(values, "groups"),
        "users": _natural(values, "users"),
    }


def _switch(values: Fields) -> Row:
    return {**_common(values), "everyone": fields.boolean(values.get("active"), "active")}


def _sample(values: Fields) -> Row:
    share = {"name": "sample", "percent": str(fields.percentage(values.get("percent"))), "stickiness": "random"}
    return {**_common(values), "everyone": None, "rules": [share]}


def _common(values: Fields) -> dict[str, object]:
    return {
        "name": fields.filled(values.get("name"), "name"),
        "note": fields.string(values.get("note") or "", "note"),
        "kind": "release",
        "archived": False,
    }


def _natural(values: Fields, field: str) -> list[str]:
    """Names out of natural keys, which are lists: `["editors"]`."""
    return [str(key[0]) for key in fields.items(values, field) if isinstance(key, list) and key]


def _unnamed(name: str, values: Fields) -> list[Problem]:
    """Groups and users that are mere numbers, which mean nothing in another database."""
    return [
        Problem(name, field, f"{numbers} name nobody here; dump with --natural-foreign")
        for field in ("groups", "users")
        if (numbers := [key for key in fields.items(values, field) if not isinstance(key, list)])
    ]
