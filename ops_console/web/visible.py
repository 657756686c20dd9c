"""Characters that would act on a reader, shown instead: in pages, and in what commands write to a terminal.

New names cannot hold them (`ops_client.text.name_problem`). Rows of backends, of foreign tables and of earlier versions
can.
"""

import re
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ops_client.text import INVISIBLE, show_invisible

# Text between tags. What stands in a field goes back as it is, and must not be changed by being shown.
_PARTS = re.compile(
    r"(<(?:textarea|script|style|title)\b.*?</(?:textarea|script|style|title)>|<[^>]*>)", re.DOTALL | re.I
)


class VisibleCharactersMiddleware:
    """Replaces them in the text of HTML pages and fragments. Nearly every page has none, and is searched once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponse) or not response.headers.get("Content-Type", "").startswith(
            "text/html"
        ):
            return response
        page = response.content.decode(response.charset, "replace")
        if INVISIBLE.search(page):
            parts = _PARTS.split(page)
            parts[::2] = [INVISIBLE.sub(lambda found: f"&lt;U+{ord(found[0]):04X}&gt;", text) for text in parts[::2]]
            response.content = "".join(parts)
        return response


class ConsoleCommand(BaseCommand):
    """A command of the console. On a terminal it shows characters that would move the cursor or turn text around."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django has just given it a style.
        self.stderr = self.stderr

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, OutputWrapper):
            style = value.style_func
            value.style_func = lambda text: style(show_invisible(text))
        super().__setattr__(name, value)
