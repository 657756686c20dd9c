"""Every refusal in one form: RFC 9457 problem details."""

from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from demo.database import DatabaseAway, Unstorable
from ops_client.errors import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_SECONDS = 2


class Problem(Exception):
    """A refusal: HTTP status, a short title, a sentence for a person, and what else helps."""

    def __init__(self, status: int, title: str, detail: str, *, retry_after: int | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.more = more


def problem_response(problem: Problem) -> JSONResponse:
    """The answer for `problem`."""
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    return JSONResponse(body | problem.more, problem.status, problem.headers, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem body."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DatabaseAway, _database_away)
    app.add_exception_handler(StoreUnavailable, _database_away)
    app.add_exception_handler(Unstorable, _unstorable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    return problem_response(cast(Problem, error))


async def _database_away(_request: Request, _error: Exception) -> JSONResponse:
    detail = "The database cannot be reached now. Nothing was changed; try again in a moment."
    return problem_response(Problem(503, "Database away", detail, retry_after=DATABASE_RETRY_SECONDS))


async def _unstorable(_request: Request, error: Exception) -> JSONResponse:
    return problem_response(Problem(422, "Invalid request", f"A value cannot be stored: {error}."))


async def _http(request: Request, error: Exception) -> JSONResponse:
    refusal = cast(HTTPException, error)
    detail = f"{request.method} {request.url.path}: {refusal.detail}."
    problem = Problem(refusal.status_code, str(refusal.detail), detail)
    problem.headers = dict(refusal.headers or {})
    return problem_response(problem)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    found = cast(RequestValidationError, error).errors()
    faults = [{"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]} for fault in found]
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    return problem_response(Problem(422, "Invalid request", detail, faults=faults))


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(Problem(500, "Internal error", "Something broke here; it has been logged."))
