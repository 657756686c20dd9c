"""The routers that this package's files add their operations to: what shares an address must share its router."""

from ninja import Router

flags_router = Router(tags=["Flags"])
segments_router = Router(tags=["Segments"])
