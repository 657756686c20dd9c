"""One view answers a browser with a page and htmx with the part of it that is asked for."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.cache import patch_vary_headers

_PARTIAL = re.compile(r"[a-z][a-z0-9-]{0,63}")


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page; a restored history entry is a page again."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """Render `template`, or only its `{% partialdef ID %}` when htmx's target is the element with that id."""
    body = _chosen(request, template).render(context or {}, request)
    response = HttpResponse(body, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _chosen(request: HttpRequest, template: str) -> Any:
    target = getattr(request.htmx, "target", None) if is_fragment(request) else None  # type: ignore[attr-defined]
    if target and _PARTIAL.fullmatch(target):
        try:
            return get_template(f"{template}#{target}")
        except TemplateDoesNotExist:
            pass
    return get_template(template)


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to a URL of ours, whether it asked with htmx (HX-Redirect) or not (303)."""
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url, status=303)
