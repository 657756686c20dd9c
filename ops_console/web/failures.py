"""What becomes of an error: a sentence for the person, as a page, a toast or JSON, and never a bare 500."""

import json
import sys
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django_ratelimit.exceptions import Ratelimited

from ops_client.quotas.http import PROBLEM_TYPE
from ops_client.text import is_storable
from ops_console.access.actor import actor_of
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.step_up import reauthenticate
from ops_console.approvals.services import ApprovalRequired, submit
from ops_console.errors import Conflict, ConsoleError, ReauthenticationRequired
from ops_console.runtime.outage import outage
from ops_console.web import problems
from ops_console.web.diff import changes
from ops_console.web.navigation import Link, rail
from ops_console.web.pages import go, is_fragment
from ops_console.web.problems import Problem
from ops_console.web.toasts import Toast, toast

# The API refuses it by name.
_API = "/api/"


class FailureMiddleware:
    """Answers what views raise, refuses bodies over the limit before they are read, and NUL in addresses."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        _replace_nul(request)
        if self.is_async:
            return self._async(request)
        return _too_large(request) or self.get_response(request)

    async def _async(self, request: HttpRequest) -> Any:
        return _too_large(request) or await self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        """No address names a thing by text that the database cannot hold: `%00`, half a surrogate pair."""
        return None if is_storable(kwargs) else respond(request, problems.not_found(""))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return failure(request, error)


def _replace_nul(request: HttpRequest) -> None:
    """In the query of a page, where it is part of a filter that then finds nothing: the database takes no NUL."""
    query = request.META.get("QUERY_STRING", "")
    if ("%00" in query or "\0" in query) and not request.path.startswith(_API):
        request.GET = QueryDict(query.replace("%00", "%EF%BF%BD").replace("\0", "%EF%BF%BD"))


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """The answer to an error that a person can be told about; None for one that is a fault of ours."""
    if isinstance(error, Conflict):
        return _conflict(request, error)
    if isinstance(error, ApprovalRequired):
        return _requested(request, error)
    if isinstance(error, ReauthenticationRequired) and not _wants_json(request):
        return reauthenticate(request)
    if isinstance(error, Ratelimited):
        return respond(request, problems.TOO_MANY)
    if isinstance(error, ConsoleError):
        return respond(request, problems.of_error(error))
    if isinstance(error, OperationalError | InterfaceError):
        return without_database(request, error)
    if isinstance(error, RequestDataTooBig):
        return respond(request, problems.TOO_LARGE)
    return None


def _requested(request: HttpRequest, error: ApprovalRequired) -> HttpResponse:
    """The change is kept as a request: the page of it, or 202 with its address."""
    from ops_console.api_base.door import caller

    is_call = hasattr(request, "api_token")
    made = submit(caller(request) if is_call else actor_of(request), error.draft)
    url = reverse("approvals:request", args=[made.pk])
    if is_call or _wants_json(request):
        body = {
            "code": error.code,
            "detail": "Waits for the approval of a second person.",
            "request": made.pk,
            "url": url,
        }
        return JsonResponse(body, status=error.status)
    messages.info(request, "This change needs the approval of a second person. It waits here.")
    return go(request, url)


def without_database(request: HttpRequest, error: OperationalError | InterfaceError) -> HttpResponse:
    """503 for a database that cannot be reached or is busy; the first that meets an outage logs it."""
    problem = problems.of_database(error, request.method or "GET")
    if problem.code == problems.AWAY:
        outage.begins(error)
    return respond(request, problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400; a body over the limit comes this way too."""
    return failure(request, exception) or respond(request, problems.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403, with the exception's own sentence where it has one."""
    said = str(exception) if isinstance(exception, PermissionDenied) else ""
    return failure(request, exception) or respond(request, problems.forbidden(said))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404. A path that matches nothing is not told what would."""
    said = str(exception) if isinstance(exception, Http404) and not _is_resolver(exception) else ""
    return respond(request, problems.not_found(said))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; errors raised outside views (a session's read, a role's check) come this way."""
    return failure(request, sys.exc_info()[1]) or respond(request, problems.FAULT)


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in the form that the asker reads: JSON, a toast beside the page as it stands, or a page."""
    if _wants_json(request):
        response = _problem_json(request, problem)
    elif hasattr(request, "htmx") and is_fragment(request):
        response = _beside(problem)
    else:
        response = HttpResponse(_page(request, problem), status=problem.status)
    if problem.retry_after_seconds:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    return response


def _problem_json(request: HttpRequest, problem: Problem, **more: Any) -> HttpResponse:
    """RFC 9457: `code` is for programs, `detail` for people, `field` names the one thing that was wrong."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.message,
        "code": problem.code,
        **({"field": problem.field} if problem.field else {}),
        "request_id": getattr(request, "id", ""),
        **more,
    }
    response = HttpResponse(json.dumps(body, default=str), status=problem.status, content_type=PROBLEM_TYPE)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Ops Console"'
    return response


def _beside(problem: Problem) -> HttpResponse:
    response = HttpResponse(problem.message, status=problem.status, content_type="text/plain; charset=utf-8")
    response.headers["HX-Reswap"] = "none"
    if problem.status in (429, 500, 503):
        return response  # the page says "Retrying" itself
    return toast(response, Toast(problem.message, "bad", title=problem.title))


def _page(request: HttpRequest, problem: Problem) -> str:
    person = _person(request, problem)
    context = {
        "problem": problem,
        "request": request,
        # With a person the page has the search box and the person's menu, whose form needs the token.
        **({"user": person, "csrf_token": get_token(request)} if person else {}),
        "environment": settings.ENVIRONMENT,
        "request_id": getattr(request, "id", ""),
        "theme": request.COOKIES.get("theme", ""),
        "refresh": problem.retry_after_seconds if request.method == "GET" else 0,
        "rail_groups": _rail(request, problem, person),
        "console_version": settings.VERSION,
    }
    return render_to_string([f"errors/{problem.status}.html", "errors/error.html"], context)


def _person(request: HttpRequest, problem: Problem) -> User | None:
    """Who is signed in. With 503 nobody is read: the database may be the problem."""
    if problem.status == 503:
        return None
    try:
        user = getattr(request, "user", None)
        return user if user is not None and user.is_authenticated else None
    except (DatabaseError, InterfaceError):
        return None


def _rail(request: HttpRequest, problem: Problem, person: User | None) -> list[tuple[str, list[Link]]]:
    """The pages to go to from here: what this person may open; what everybody may while it cannot be told who it is."""
    if person is not None:
        return rail(request, person.role)
    # Only somebody who signed in has the cookie.
    signed_in = problem.status == 503 and settings.SESSION_COOKIE_NAME in request.COOKIES
    known = getattr(request, "_cached_user", None)
    return rail(request, getattr(known, "role", "") or Role.VIEWER) if signed_in else []


def _conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    if _wants_json(request):
        # Who said by If-Match which version was seen hears the status that belongs to it.
        status = 412 if "If-Match" in request.headers else error.status
        problem = Problem(status, error.code, problems.title_of(status), error.message)
        return _problem_json(request, problem, current=error.current, submitted=error.submitted)
    context = {
        "message": error.message,
        "target": error.target,
        "changes_between": error.changes_between,
        "rows": [row for row in changes(error.current, error.submitted, every=True) if row.field != "version"],
        "resubmit": _resubmitted(request, error),
    }
    if not is_fragment(request):
        return HttpResponse(render_to_string("errors/409.html", context, request), status=409)
    part = render_to_string("components/conflict.html", context, request)
    return HttpResponse(part, status=409, headers={"HX-Retarget": "#dialog-body", "HX-Reswap": "innerHTML"})


def _resubmitted(request: HttpRequest, error: Conflict) -> list[tuple[str, str]]:
    """What was posted, on top of the version that stands now: sending it again is the person's decision."""
    fields = [(k, v) for k, values in request.POST.lists() for v in values if k != "csrfmiddlewaretoken"]
    if "version" not in error.current:
        return []
    return [(name, str(error.current["version"]) if name == "version" else value) for name, value in fields]


def _too_large(request: HttpRequest) -> HttpResponse | None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = request.META.get("CONTENT_LENGTH") or "0"
    if limit is not None and length.isdigit() and int(length) > limit:
        return respond(request, problems.TOO_LARGE)
    return None


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or not request.accepts("text/html")


def _is_resolver(error: Http404) -> bool:
    return bool(error.args) and isinstance(error.args[0], dict)
