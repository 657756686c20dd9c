"""What the parts of a flag's page share: their tabs, their addresses, and what came of a change."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from flags import services
from flags.history_words import both_in_words
from flags.models import Flag
from flags.views.saving import Save, Sheet
from ops_console.access.actor import actor_of
from ops_console.access.roles import Role, reaches
from ops_console.errors import Conflict
from ops_console.web import NO_CHANGES, Tab, done, page

_PARTS = (
    ("page", "Overview", Role.VIEWER),
    ("rules", "Rules", Role.OPERATOR),
    ("variants", "Variants", Role.OPERATOR),
    ("why", "Why", Role.VIEWER),
    ("history", "History", Role.VIEWER),
    ("settings", "Settings", Role.OPERATOR),
)


def flag_part(
    request: HttpRequest, flag: Flag, part: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """One part of the flag's page: `templates/flags/PART.html`, with the tabs that lead to the others."""
    role = getattr(request.user, "role", "")
    parts = [
        Tab(label, part_url(flag, name), None, name == part) for name, label, needed in _PARTS if reaches(role, needed)
    ]
    whole = {"flag": flag, "parts": parts, "part": part, "audit_url": audit_url(flag), **context}
    return page(request, f"flags/{part}.html", whole, status=status)


def saver(request: HttpRequest, flag: Flag) -> Save:
    """How a sheet of this flag is saved."""

    def save(values: dict[str, Any], given: dict[str, Any]) -> Flag:
        along = (given["version"], given["reason"], given.get("typed_name", ""))
        try:
            return services.edit(actor_of(request), flag.pk, values, *along)
        except Conflict as error:
            raise told_in_words(error, values) from error

    return save


def saved(request: HttpRequest, flag: Flag, sheet: Sheet, part: str) -> HttpResponse:
    """The end of a save of one part."""
    if sheet.is_unchanged:
        return done(request, NO_CHANGES, to=part_url(flag, part), level="info")
    return done(request, f"{flag.name} is saved.", to=part_url(flag, part), link_url=audit_url(flag))


def told_in_words(conflict: Conflict, values: Mapping[str, Any]) -> Conflict:
    """The conflict over these columns alone, with rules and the like as sentences."""
    sides = (conflict.current, conflict.submitted)
    current, submitted = both_in_words(*({name: side[name] for name in values if name in side} for side in sides))
    current, submitted = (
        {**new, "version": old["version"]} for new, old in ((current, sides[0]), (submitted, sides[1]))
    )
    return Conflict(conflict.message, current, submitted, conflict.target)


def sent_to(request: HttpRequest) -> QueryDict | None:
    """What was posted, be it empty; None when nothing was."""
    return request.POST if request.method == "POST" else None


def part_url(flag: Flag, part: str = "page") -> str:
    return reverse(f"flags:{part}", args=[flag.pk])


def audit_url(flag: Flag) -> str:
    return f"{reverse('audit:list')}?target_type=flag&target_id={flag.pk}"
