"""What was changed in a flag, by whom and why, and the way back."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from flags import queries
from flags.views.common import flag_part
from ops_console.audit.queries import ORDER, entries


@require_GET
def flag_history(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    found = entries({"target_type": "flag", "target_id": str(flag.pk)})
    return flag_part(request, flag, "history", {"page": ORDER.page(found, request.GET.get("cursor", ""))})
