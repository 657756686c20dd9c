"""A flag's owner, kind, tags, expiry and protection; and a copy of it under another name."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flags import queries, services
from flags.forms import CopyForm, SettingsForm
from flags.views.common import flag_part, part_url, saved, saver, sent_to
from flags.views.saving import Sheet
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput
from ops_console.web import Question, ask, go


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_settings(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    sheet = Sheet(flag, sent_to(request), SettingsForm, protected=flag.is_guarded)
    if request.method != "POST":
        return flag_part(request, flag, "settings", {"sheet": sheet})
    if not sheet.save(saver(request, flag)):
        return flag_part(request, flag, "settings", {"sheet": sheet}, status=422)
    return saved(request, flag, sheet, "settings")


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_copy(request: HttpRequest, flag_id: int) -> HttpResponse:
    """GET asks for the name; POST defines the copy, which begins off for everyone."""
    flag = queries.flag(flag_id)
    form = CopyForm(sent_to(request), initial={"name": f"{flag.name}_copy"[:100]})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.copy(actor_of(request), flag_id, form.cleaned_data["name"], form.cleaned_data["reason"])
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return go(request, part_url(made, "rules"))
    question = Question(
        f"Duplicate {flag.name}?",
        action=reverse("flags:copy", args=[flag.pk]),
        back=part_url(flag),
        effect="The copy has the same rules, variants, audience and settings, and begins off for everyone.",
        confirm="Duplicate",
    )
    return ask(request, question, form)
