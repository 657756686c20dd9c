"""`/`: what the backend does now for one user, for people."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from demo import episodes
from demo.backend import Backend, BackendHere
from demo.config import console_url
from demo.database import DatabaseAway
from demo.features import explained, features_of
from demo.pages.html import Html, fill
from demo.pages.panels import episode_rows, flag_rows, link, options, provider_rows, quota_bars
from demo.people import Person
from demo.seeding.users import KNOWN
from ops_client.errors import StoreUnavailable
from ops_client.quotas.usage import Usage

PAGES = Path(__file__).parents[1] / "pages"
SHELL, NOW = (PAGES / "shell.html").read_text(), (PAGES / "now.html").read_text()
SOME_USER = KNOWN[0][0]
SHOWN_EPISODES = 12
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
UserText = Annotated[str, Query(max_length=320)]
router = APIRouter(default_response_class=HTMLResponse)


@router.get("/")
def home(backend: BackendHere, user: UserText = SOME_USER) -> HTMLResponse:
    """The whole page."""
    page = fill(
        SHELL,
        user=user,
        console=link(console_url(), "Console"),
        known=options(email for email, _tier in KNOWN),
        fragment=f"/now?user={quote(user, safe='')}",
        now=_now(backend, user),
    )
    return HTMLResponse(page, headers=HEADERS)


@router.get("/now")
def now(backend: BackendHere, user: UserText = SOME_USER) -> HTMLResponse:
    """The part of the page that is fetched again every second."""
    return HTMLResponse(_now(backend, user), headers=HEADERS)


def _now(backend: Backend, user: str) -> Html:
    person, who = _find(backend, user)
    features = features_of(backend.ops.flags, person)
    status = backend.ops.status()
    key = quote(user, safe="")
    return fill(
        NOW,
        state="on" if features.new_player else "off",
        verdict=f"New player, {features.theme}" if features.new_player else "Classic player",
        flags=flag_rows(explained(backend.ops.flags, person)),
        who=who,
        revision=status["revision"],
        source=status["source"],
        quotas=quota_bars(_usages(backend, person)),
        providers=provider_rows(backend.guarded.values(), key),
        user=key,
        episodes=episode_rows(_episodes(backend, person), key),
    )


def _find(backend: Backend, user: str) -> tuple[Person | None, str]:
    try:
        person = backend.people.find(user)
    except DatabaseAway:
        return None, f"{user}: cannot be looked up, the database is away"
    if person is None:
        return None, f"{user}: no such user"
    return person, f"{person.first_name or ''} {person.email or person.id}, tier {person.tier or 'unknown'}"


def _usages(backend: Backend, person: Person | None) -> list[Usage] | None:
    if person is None:
        return []
    try:
        return backend.ops.quotas.usage(person.id, tier=person.tier)
    except StoreUnavailable:
        return None


def _episodes(backend: Backend, person: Person | None) -> list[dict[str, object]] | None:
    if person is None:
        return []
    try:
        return episodes.recent(backend.database, person.id, None, SHOWN_EPISODES)
    except DatabaseAway:
        return None
