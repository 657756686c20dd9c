"""`/livez` asks no database; `/readyz` and `/health` answer 503 when something that is needed is away."""

from typing import Any

from fastapi import APIRouter

from demo.backend import Backend, BackendHere
from demo.health import Check, Unhealthy, as_rows, run_checks
from demo.problems import Problem

RETRY_SECONDS = 2
router = APIRouter()


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process runs."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(backend: BackendHere) -> dict[str, Any]:
    """Whether a load balancer should send requests here."""
    return await _answer({"database": lambda: _database(backend)})


@router.get("/health")
async def health(backend: BackendHere) -> dict[str, Any]:
    """Everything the process needs, one finding a part."""
    return await _answer(_all_checks(backend))


def _all_checks(backend: Backend) -> dict[str, Check]:
    return {
        "database": lambda: _database(backend),
        "configuration": lambda: _configuration(backend),
        "worker": lambda: _worker(backend),
    }


async def _answer(checks: dict[str, Check]) -> dict[str, Any]:
    findings = await run_checks(checks)
    sick = [finding for finding in findings if not finding.healthy]
    if sick:
        detail = "; ".join(f"{finding.name}: {finding.detail}" for finding in sick)
        raise Problem(503, "Not healthy", detail, retry_after=RETRY_SECONDS, checks=as_rows(findings))
    return {"status": "healthy", "checks": as_rows(findings)}


def _database(backend: Backend) -> str:
    backend.database.fetch("SELECT 1 AS one")
    return "answers"


def _configuration(backend: Backend) -> str:
    status = backend.ops.status()
    text = f"revision {status['revision']} from {status['source']}"
    if not status["reachable"]:
        raise Unhealthy(f"{text}; the shared database is away")
    return text


def _worker(backend: Backend) -> str:
    if not backend.worker.alive():
        raise Unhealthy("the episode worker has stopped")
    return f"{backend.worker.waiting()} episodes in work"
