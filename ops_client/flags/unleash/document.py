"""Reads what Unleash's server sends to its clients: the whole (`features`, `segments`) or a delta (`events`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ops_client.errors import InvalidInput

Entry = Mapping[str, object]
_WANTED = "what is read here is what Unleash answers at /api/client/features"


@dataclass
class Document:
    """Features by name and segments by number, as they stand after the last event."""

    features: dict[str, Entry] = field(default_factory=dict)
    segments: dict[int, Entry] = field(default_factory=dict)


def read(state: object) -> Document:
    """Features and segments out of a document. Raises InvalidInput, naming the place in it, where it is none."""
    of = entry(state, "state")
    if "featureStrategies" in of:
        raise InvalidInput("state", f"is an export of a project; {_WANTED}")
    if "features" not in of and "events" not in of:
        raise InvalidInput("state", f"has neither features nor events; {_WANTED}")
    document = Document()
    _fill(document, of, "")
    for number, event in enumerate(items(of, "events", "events")):
        _happen(document, entry(event, f"events[{number}]"), f"events[{number}].")
    return document


def entry(value: object, place: str) -> Entry:
    """An object. Raises InvalidInput."""
    if not isinstance(value, Mapping):
        raise InvalidInput(place, "is an object with named fields")
    return value


def items(of: Entry, name: str, place: str) -> list[object]:
    """A list; empty where there is none. Raises InvalidInput."""
    value = of.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidInput(place, "is a list")
    return list(value)


def written(of: Mapping[str, object], **defaults: object) -> dict[str, object]:
    """What has to be written down of an object of ours: neither nothing, nor what is meant anyway."""
    return {
        name: value
        for name, value in of.items()
        if not (value is None or value is False or value == [] or value == defaults.get(name))
    }


def _happen(document: Document, event: Entry, place: str) -> None:
    match event.get("type"):
        case "hydration":
            document.features.clear()
            document.segments.clear()
            _fill(document, event, place)
        case "feature-updated":
            _keep_feature(document, event.get("feature"), f"{place}feature")
        case "feature-removed":
            document.features.pop(_name(event.get("featureName"), f"{place}featureName"), None)
        case "segment-updated":
            _keep_segment(document, event.get("segment"), f"{place}segment")
        case "segment-removed":
            document.segments.pop(_number(event.get("segmentId"), f"{place}segmentId"), None)
        case other:
            raise InvalidInput(f"{place}type", f"is an event that this version does not know: {other!r}")


def _fill(document: Document, of: Entry, place: str) -> None:
    for number, feature in enumerate(items(of, "features", f"{place}features")):
        _keep_feature(document, feature, f"{place}features[{number}]")
    for number, segment in enumerate(items(of, "segments", f"{place}segments")):
        _keep_segment(document, segment, f"{place}segments[{number}]")


def _keep_feature(document: Document, raw: object, place: str) -> None:
    feature = entry(raw, place)
    name = _name(feature.get("name"), f"{place}.name")
    if not isinstance(feature.get("enabled"), bool):
        raise InvalidInput(f"{place}.enabled", "is true or false")
    for part in ("strategies", "variants", "dependencies"):
        items(feature, part, f"{place}.{part}")
    document.features[name] = feature


def _keep_segment(document: Document, raw: object, place: str) -> None:
    segment = entry(raw, place)
    items(segment, "constraints", f"{place}.constraints")
    document.segments[_number(segment.get("id"), f"{place}.id")] = segment


def _name(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(place, "is the name of a feature")
    return value


def _number(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(place, "is the number of a segment")
    return value
