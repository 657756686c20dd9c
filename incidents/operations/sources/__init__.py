"""Every foreign table whose rows are operations. A new one is a file beside this and a line here."""

from incidents.operations.sources.base import STATES, CannotRetry, FailureNote, Problem, Source
from incidents.operations.sources.episode import EpisodeSource
from ops_console.errors import NotFound

SOURCES: dict[str, Source] = {source.kind: source for source in (EpisodeSource(),)}
DEFAULT_KIND = next(iter(SOURCES))


def source_of(kind: str) -> Source:
    """The source of a kind. Raises NotFound."""
    if kind not in SOURCES:
        raise NotFound(f"There is no kind of operation named {kind!r}; known are {', '.join(SOURCES)}.")
    return SOURCES[kind]


__all__ = ["DEFAULT_KIND", "SOURCES", "STATES", "CannotRetry", "FailureNote", "Problem", "Source", "source_of"]
