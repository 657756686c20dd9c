"""The answer to a form without its token."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 with a page that says what to do: the form was open for too long, or came from elsewhere."""
    return render(request, "errors/403_csrf.html", {"reason": reason}, status=403)
