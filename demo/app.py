"""The demo backend: `uvicorn --factory demo.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from demo.backend import Backend, make_backend
from demo.config import backend_database
from demo.limits import install_limits
from demo.problems import install_problems
from demo.routes import assemble, episodes, faults, health, hello, home, providers, quota, users

ROUTES = (home, health, hello, episodes, assemble, users, quota, providers, faults)
STATIC = Path(__file__).with_name("static")


def create_app(backend: Backend | None = None) -> FastAPI:
    """The application on `backend`, by default the one that DATABASE_URL names."""
    app = FastAPI(title="Podcast demo backend", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.backend = backend = backend or make_backend(backend_database())
    install_problems(app)
    install_limits(app, backend)
    app.mount("/static", StaticFiles(directory=STATIC))
    for part in ROUTES:
        app.include_router(part.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.backend.start()
    try:
        yield
    finally:
        app.state.backend.stop()
