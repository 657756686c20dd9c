"""`/quota`: a user's own usage against the limits, for the front end; `/quota/bars` shows it to the user."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from demo.backend import BackendHere
from demo.callers import NeededPerson
from demo.pages.html import fill
from demo.pages.panels import quota_bars, warnings
from demo.routes.home import HEADERS
from ops_client.quotas.http import usage_body

PAGE = (Path(__file__).parents[1] / "pages" / "quota.html").read_text()
router = APIRouter(prefix="/quota")


@router.get("")
def usage(backend: BackendHere, person: NeededPerson) -> dict[str, Any]:
    """Every resource with limit, use and a soft warning; 503 while the database is away."""
    usages = backend.ops.quotas.usage(person.id, tier=person.tier)
    return {"user_id": person.id, "tier": person.tier, "resources": usage_body(usages)}


@router.get("/bars")
def bars(backend: BackendHere, person: NeededPerson) -> HTMLResponse:
    """The same as a page."""
    usages = backend.ops.quotas.usage(person.id, tier=person.tier)
    page = fill(
        PAGE,
        who=person.email or person.id,
        tier=person.tier or "unknown",
        user=quote(person.id, safe=""),
        warnings=warnings(usages),
        quotas=quota_bars(usages),
    )
    return HTMLResponse(page, headers=HEADERS)
