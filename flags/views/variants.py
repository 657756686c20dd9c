"""What those get for whom a flag is on: its variants, their weights, payloads and overrides."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from flags import queries
from flags.editor import documents
from flags.editor.rows import Row
from flags.models import Flag
from flags.views.common import flag_part, saved, saver, sent_to
from flags.views.rules import Choices, effect_of
from flags.views.saving import Sheet
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_variants(request: HttpRequest, flag_id: int) -> HttpResponse:
    """As the rules: GET shows, a button `do` draws it again, and a POST without one saves."""
    flag = queries.flag(flag_id)
    sent = sent_to(request)
    sheet = Sheet(flag, sent, None, partial(_show, flag), _read, flag.is_guarded)
    if request.method != "POST" or sheet.is_redrawn:
        return _page(request, flag, sheet)
    if not sheet.save(saver(request, flag)):
        return _page(request, flag, sheet, status=422)
    return saved(request, flag, sheet, "variants")


def _show(flag: Flag, root: Row) -> None:
    documents.show_variants(root, flag.variants)


def _read(root: Row) -> dict[str, Any]:
    return {"variants": documents.variants(root)}


def _page(request: HttpRequest, flag: Flag, sheet: Sheet, status: int = 200) -> HttpResponse:
    context = {"sheet": sheet, "editor": Choices(), "effect": effect_of(flag, sheet)}
    return flag_part(request, flag, "variants", context, status)
