"""Flags and segments over the JSON API: a thin door onto the same services and queries as the pages."""

from flags.api import changing, insight, promotion, reading, segments
from flags.api.routers import flags_router, segments_router

__all__ = ["changing", "flags_router", "insight", "promotion", "reading", "segments", "segments_router"]
