"""Asking before what can hurt: a dialog with htmx, a page without it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse

from ops_console.web.pages import page


@dataclass(frozen=True)
class Question:
    """`action` takes the POST, `back` is where Cancel leads; `effect` says in numbers what will happen.

    `tone` is primary or danger. `hidden` are (name, value) pairs that are posted along.
    """

    title: str
    action: str
    back: str
    effect: str = ""
    notes: Sequence[str] = ()
    confirm: str = "Confirm"
    tone: str = "primary"
    hidden: Sequence[tuple[str, Any]] = ()


def ask(request: HttpRequest, question: Question, form: BaseForm | None = None) -> HttpResponse:
    """Show the question; a form that was found wanting is shown again with its errors, as 422."""
    if form is not None:
        form.auto_id = "ask_%s"  # the page below the dialog may have fields of the same names
    status = 422 if form is not None and form.is_bound and form.errors else 200
    return page(request, "components/confirm_page.html", {**asdict(question), "form": form}, status=status)
