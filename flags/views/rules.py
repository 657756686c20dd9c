"""Who gets a flag: rules, audience, prerequisites and schedule, with what saving them would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from flags import queries
from flags.editor import documents
from flags.editor.fields import FIELDS, GROUPS, OPERATORS, PAYLOADS, STICKINESS
from flags.editor.rows import Row
from flags.effects import Effect, of_change
from flags.forms import AudienceForm
from flags.models import Flag
from flags.prerequisites import dependents
from flags.views.common import flag_part, saved, saver, sent_to
from flags.views.saving import Sheet
from ops_client.flags.rules import NORMALISER
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput


@dataclass(frozen=True)
class Choices:
    """What the editor offers."""

    segments: Sequence[str] = ()
    flags: Sequence[str] = ()
    operators: Any = GROUPS
    known_operators: Any = frozenset(OPERATORS)
    fields: Any = FIELDS
    stickiness: Any = STICKINESS
    payloads: Any = PAYLOADS
    own_normaliser: str = NORMALISER

    @property
    def has_more_segments(self) -> bool:
        """Not every segment has a box: its name can be typed."""
        return len(self.segments) >= queries.MOST_BOXES


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_rules(request: HttpRequest, flag_id: int) -> HttpResponse:
    """GET shows, a button `do` draws it again as the button says, and a POST without one saves."""
    flag = queries.flag(flag_id)
    sent = sent_to(request)
    sheet = Sheet(flag, sent, AudienceForm, partial(_show, flag), _read, flag.is_guarded)
    if request.method != "POST" or sheet.is_redrawn:
        return _page(request, flag, sheet)
    if not sheet.save(saver(request, flag)):
        return _page(request, flag, sheet, status=422)
    return saved(request, flag, sheet, "rules")


def _show(flag: Flag, root: Row) -> None:
    documents.show_rules(root, flag.rules)
    documents.show_prerequisites(root, flag.prerequisites)


def _read(root: Row) -> dict[str, Any]:
    return {"rules": documents.rules(root), "prerequisites": documents.prerequisites(root)}


def _page(request: HttpRequest, flag: Flag, sheet: Sheet, status: int = 200) -> HttpResponse:
    chosen = {name for row in sheet.root.everywhere() for name in row.values.get("segments", ())}
    context = {
        "sheet": sheet,
        "editor": Choices(queries.segment_names(chosen), queries.flag_names(besides=flag.pk)),
        "effect": effect_of(flag, sheet),
        "needed_by": dependents(flag.name),
    }
    return flag_part(request, flag, "rules", context, status)


def effect_of(flag: Flag, sheet: Sheet) -> Effect | None:
    """What saving would do; None while nothing was typed."""
    if not sheet.is_redrawn:
        return None
    try:
        return of_change(flag, sheet.values())
    except InvalidInput as error:
        return Effect(problem=error.message)
