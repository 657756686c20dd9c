"""What every template may show: the environment's name and the console's version."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def console(request: HttpRequest) -> dict[str, Any]:
    return {"environment": settings.ENVIRONMENT, "console_version": settings.VERSION}
