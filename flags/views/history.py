"""What was changed in a flag, by whom and why, and the way back to any of it."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from flags import queries
from flags.effects import of_revert
from flags.forms import ConfirmForm
from flags.models import Flag
from flags.views.common import audit_url, flag_part, part_url, sent_to
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.audit.queries import ORDER, entries, entry
from ops_console.audit.revert import can_revert, revert
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import Question, ask, done


@require_GET
def flag_history(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    found = entries({"target_type": "flag", "target_id": str(flag.pk)})
    shown = ORDER.page(found, request.GET.get("cursor", ""))
    revertible = {each.pk for each in shown.rows if can_revert(each)}
    return flag_part(request, flag, "history", {"page": shown, "revertible": revertible})


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_revert(request: HttpRequest, flag_id: int, entry_id: int) -> HttpResponse:
    """One click takes a change back; a refusal shows both versions. A protected flag's asks first."""
    flag, change = queries.flag(flag_id), _entry_of(flag_id, entry_id)
    form = ConfirmForm(sent_to(request), protected=flag.is_guarded, name=flag.name)
    if request.method != "POST" or (flag.is_guarded and not form.is_valid()):
        return ask(request, _question(flag, change), form)
    given = request.POST
    try:
        revert(actor_of(request), entry_id, given.get("reason", ""), given.get("typed_name", ""))
    except InvalidInput as error:
        if error.field not in form.fields:
            raise
        form.add_error(error.field, error.message)
        return ask(request, _question(flag, change), form)
    said = f"{change.action} by {change.actor} is taken back."
    return done(request, said, to=part_url(flag, "history"), link_url=audit_url(flag))


def _entry_of(flag_id: int, entry_id: int) -> Entry:
    found = entry(entry_id)
    if (found.target_type, found.target_id) != ("flag", str(flag_id)):
        raise NotFound("This entry is about something else.")
    return found


def _question(flag: Flag, change: Entry) -> Question:
    return Question(
        f"Take back {change.action}?",
        action=reverse("flags:revert", args=[flag.pk, change.pk]),
        back=part_url(flag, "history"),
        effect=of_revert(flag, change),
        notes=[f"{change.actor} made this change."],
        confirm="Take it back",
    )
