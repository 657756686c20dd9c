"""A flag's owner, kind, tags, expiry and protection."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from flags import queries
from flags.forms import SettingsForm
from flags.views.common import audit_url, flag_part, part_url, saver, sent_to
from flags.views.saving import Sheet
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.web import done


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_settings(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    sheet = Sheet(flag, sent_to(request), SettingsForm, protected=flag.protected)
    if request.method != "POST":
        return flag_part(request, flag, "settings", {"sheet": sheet})
    if not sheet.save(saver(request, flag)):
        return flag_part(request, flag, "settings", {"sheet": sheet}, status=422)
    return done(request, f"{flag.name} is saved.", to=part_url(flag, "settings"), link_url=audit_url(flag))
