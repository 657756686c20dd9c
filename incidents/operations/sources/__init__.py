"""Everything whose rows are operations: foreign tables, each a file beside this and a line here, and tracked kinds."""

from incidents.operations.sources.base import STATES, CannotRetry, FailureNote, Problem, Source
from incidents.operations.sources.episode import EpisodeSource
from incidents.operations.sources.schema import LiveTable, tracked_kinds
from incidents.operations.sources.sql import SourceSql
from incidents.operations.sources.tracked import ALL_TRACKED, TrackedSource, TrackedSql
from incidents.operations.sources.transcription import TranscriptionSource
from ops_console.errors import NotFound

SOURCES: dict[str, Source] = {source.kind: source for source in (EpisodeSource(), TranscriptionSource())}
DEFAULT_KIND = next(iter(SOURCES))


def all_sources() -> dict[str, Source]:
    """By kind: the foreign tables, then what backends track. A tracked kind never hides a table of its name."""
    tracked: dict[str, Source] = {kind: TrackedSource(known) for kind, known in tracked_kinds().items()}
    return SOURCES | {kind: source for kind, source in tracked.items() if kind not in SOURCES}


def source_of(kind: str) -> Source:
    """The source of a kind. Raises NotFound."""
    if kind in SOURCES:
        return SOURCES[kind]
    known = tracked_kinds().get(kind) or tracked_kinds(anew=True).get(kind)
    if known is None:
        raise NotFound(f"There is no kind of operation named {kind!r}; known are {', '.join(all_sources())}.")
    return TrackedSource(known)


def sql_of(source: Source, live: LiveTable) -> SourceSql:
    """A source's SQL for the table as it stands."""
    return TrackedSql(source, live) if isinstance(source, TrackedSource) else SourceSql(source, live)


__all__ = [
    "ALL_TRACKED",
    "DEFAULT_KIND",
    "SOURCES",
    "STATES",
    "CannotRetry",
    "FailureNote",
    "Problem",
    "Source",
    "TrackedSource",
    "all_sources",
    "source_of",
    "sql_of",
]
