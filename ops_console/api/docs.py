"""The page that explains the API, made of the same document that programs read."""

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from ops_console.access.scopes import SCOPES
from ops_console.api.reference import parts
from ops_console.api.v1 import api
from ops_console.web import page


@require_GET
def docs(request: HttpRequest) -> HttpResponseBase:
    """For whoever is signed in; `?format=openapi` is the document itself."""
    document = api.get_openapi_schema()
    if request.GET.get("format") == "openapi":
        return JsonResponse(document, headers={"Content-Disposition": 'attachment; filename="openapi.json"'})
    base_url = request.build_absolute_uri("/").rstrip("/")
    context = {"parts": parts(document, base_url), "scopes": SCOPES, "base_url": base_url}
    return page(request, "api/docs.html", context)
