"""A short notice of what was just done, with the way back: by htmx at once, else on the next page."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from ops_console.web.pages import go, is_fragment

NO_CHANGES = "No changes."
_LEVELS = {"ok": messages.SUCCESS, "info": messages.INFO, "warn": messages.WARNING, "bad": messages.ERROR}


@dataclass(frozen=True)
class Toast:
    """`undo_url` takes a POST; `link_url` is where the audit entry or the result can be read.

    `title` heads the dialog that shows a refusal. `end_url` answers whether what was begun is over, as JSON
    (`ended`, `notice`): the browser asks it on whatever page is open, until it is (`static/js/watch.js`).
    """

    text: str
    level: str = "ok"
    undo_url: str = ""
    link_url: str = ""
    link_label: str = "Details"
    title: str = ""
    end_url: str = ""


def toast(response: HttpResponse, notice: Toast, close_dialog: bool = False) -> HttpResponse:
    """Let htmx show the notice once this response has arrived; `close_dialog` shuts an open dialog too."""
    # In this order: a notice that arrives while the dialog is open is shown inside it, and closes with it.
    events: dict[str, Any] = {"ops:close-dialog": True} if close_dialog else {}
    events["ops:toast"] = asdict(notice)
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def done(
    request: HttpRequest,
    text: str,
    to: str,
    *,
    undo_url: str = "",
    link_url: str = "",
    end_url: str = "",
    level: str = "ok",
) -> HttpResponse:
    """The end of a change that redraws nothing itself: a toast, and the live panels refresh.

    htmx: 204, the toast, the dialog closes, every live panel of the page is read again.
    Without htmx: 303 to `to`, which shows the same toast.
    """
    notice = Toast(text, level, undo_url, link_url, end_url=end_url)
    if is_fragment(request):
        response = toast(HttpResponse(status=204), notice, close_dialog=True)
        response.headers["HX-Trigger"] = _with(response.headers["HX-Trigger"], "ops:refresh")
        return response
    messages.add_message(request, _LEVELS[level], text, extra_tags=json.dumps(asdict(notice)))
    return go(request, to)


def _with(trigger: str, event: str) -> str:
    return json.dumps({**json.loads(trigger), event: True})


def from_message(message: Any) -> Toast:
    """The toast that `done` kept in Django's messages; other messages keep their text and level."""
    try:
        return Toast(**json.loads(message.extra_tags))
    except (TypeError, ValueError):
        levels = {level: name for name, level in _LEVELS.items()}
        return Toast(str(message), levels.get(message.level, "info"))
