"""Context fields: Unleash's spelling and ours."""

from collections.abc import Mapping

_OURS = {
    "userId": "user_id",
    "sessionId": "session_id",
    "remoteAddress": "remote_address",
    "environment": "environment",
    "appName": "app_name",
    "currentTime": "current_time",
}
# A property of this name is another thing in Unleash than the field that we call so.
_TAKEN = frozenset({*_OURS.values(), "hostname"} - {"environment"})
# Not fields but ways to choose a key.
_WAYS = frozenset({"default", "random"})


def field(name: str) -> str:
    """Our name of a context field; a property that is called like a field of ours is `properties.<name>`."""
    if name in _TAKEN:
        return f"properties.{name}"
    return _OURS.get(name, name)


def stickiness(name: str) -> str:
    """What a percentage or a variant sticks to."""
    return name if name in _WAYS else field(name)


def context(given: Mapping[str, object]) -> dict[str, object]:
    """A context in Unleash's spelling, flat and in ours. What stands beside `properties` comes before what is in it."""
    properties = given.get("properties")
    found = dict(properties) if isinstance(properties, Mapping) else {}
    found |= {name: value for name, value in given.items() if name != "properties" and value is not None}
    return {field(name): value for name, value in found.items() if isinstance(name, str)}
