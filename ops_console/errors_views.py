"""The answer to a form without its token."""

from django.http import HttpRequest, HttpResponse

from ops_console.web import problems
from ops_console.web.failures import respond


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 with what to do: the form was open for too long, or came from elsewhere."""
    return respond(request, problems.NO_TOKEN)
