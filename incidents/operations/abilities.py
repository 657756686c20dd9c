"""What the sources of a list cannot do on this database, and the indexes that they lack, to be said on the page."""

from dataclasses import dataclass

from incidents.operations.sources import SOURCES, Problem, Source
from incidents.operations.sources.indexes import missing_indexes


@dataclass(frozen=True)
class Abilities:
    """Of one source: problems, and missing indexes as SQL by name."""

    source: Source
    problems: list[Problem]
    indexes: dict[str, str]


def abilities(kind: str, with_indexes: bool) -> list[Abilities]:
    """Those of the kind's source, "" of all, that lack something. What backends track lacks nothing.

    `with_indexes` is for admins: nobody else can have an index made.
    """
    sources = [source for name, source in SOURCES.items() if kind in ("", name)]
    found = [_of(source, with_indexes) for source in sources]
    return [one for one in found if one.problems or one.indexes]


def _of(source: Source, with_indexes: bool) -> Abilities:
    live = source.live()
    listed = with_indexes and not source.why_not("list", live)
    return Abilities(source, source.problems(live), missing_indexes(source, live) if listed else {})
