"""One box for anything: a flag, a person, an operation, a breaker, a request id, a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from flags.queries import flags
from flags.segments import segments
from incidents.breakers.models import Breaker
from incidents.operations import queries as operations
from incidents.operations.sources import SOURCES
from ops_console import directory
from ops_console.audit.models import Entry
from ops_console.errors import ConsoleError
from ops_console.web import go, page
from ops_console.web.navigation import rail

SHOWN = 8


@dataclass(frozen=True)
class Hit:
    """Something found: its kind, its label, a second line, and where it is. `exact`: this is what was meant."""

    kind: str
    label: str
    detail: str
    url: str
    exact: bool = False


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The one exact hit is opened at once; else the list of what was found."""
    text = request.GET.get("q", "").strip().replace("\0", "")
    hits = list(_hits(request, text)) if text else []
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1:
        return go(request, exact[0].url)
    return page(request, "console/search.html", {"q": text, "hits": hits})


def _hits(request: HttpRequest, text: str) -> Iterator[Hit]:
    yield from _flags(text)
    yield from _segments(text)
    yield from _breakers(text)
    yield from _people(text)
    yield from _operations(text)
    yield from _requests(text)
    yield from _pages(request, text)


def _flags(text: str) -> Iterator[Hit]:
    for flag in flags(text).order_by("name")[:SHOWN]:
        yield Hit("Flag", flag.name, flag.note, reverse("flags:page", args=[flag.pk]), flag.name == text)


def _segments(text: str) -> Iterator[Hit]:
    for segment in segments(text).order_by("name")[:SHOWN]:
        yield Hit(
            "Segment", segment.name, segment.note, reverse("flags:segment", args=[segment.pk]), segment.name == text
        )


def _breakers(text: str) -> Iterator[Hit]:
    for breaker in Breaker.objects.filter(name__icontains=text).order_by("name")[:SHOWN]:
        url = reverse("breakers:page", args=[breaker.name])
        yield Hit("Breaker", breaker.name, breaker.get_status_display(), url, breaker.name == text)


def _people(text: str) -> Iterator[Hit]:
    try:
        found = directory.find(text, SHOWN)
    except directory.DirectoryUnavailable:
        return
    for person in found:
        exact = text.lower() in {person.id.lower(), person.email.lower()}
        yield Hit(
            "User", person.email, f"{person.name} · {person.tier}", reverse("quotas:user", args=[person.id]), exact
        )


def _operations(text: str) -> Iterator[Hit]:
    for kind in SOURCES:
        try:
            found = operations.detail(kind, text).operation
        except ConsoleError:
            continue
        yield Hit("Operation", found.title, found.status, reverse("operations:page", args=[kind, text]), exact=True)


def _requests(text: str) -> Iterator[Hit]:
    for entry in Entry.objects.filter(request_id=text).order_by("-id")[:SHOWN] if len(text) >= 8 else ():
        url = reverse("audit:entry", args=[entry.pk])
        yield Hit("Change", f"{entry.action} {entry.target_label}", f"by {entry.actor}", url)


def _pages(request: HttpRequest, text: str) -> Iterator[Hit]:
    for _, links in rail(request):
        for link in links:
            if text.lower() in link.label.lower():
                yield Hit("Page", link.label, "", link.url)
