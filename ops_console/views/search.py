"""One box for anything: a flag, a person, an operation, a breaker, a limit, a change, a failed request, a page."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_GET

from flags.queries import flags
from flags.segments import segments
from incidents.breakers.models import Breaker
from incidents.operations import queries as operations
from incidents.operations.models import Action
from ops_console import directory
from ops_console.audit import queries as audit
from ops_console.audit.models import Entry
from ops_console.errors import ConsoleError
from ops_console.query_timeout import limited, shared_limit
from ops_console.web import go, page
from ops_console.web.navigation import titled_pages
from quotas.models import Refusal, Resource

SHOWN, SUGGESTED = 8, 10
# One kind of thing may take so long; the others are shown without it.
KIND_MS = 700
LONGEST = 200


@dataclass(frozen=True)
class Hit:
    """Something found: its kind, its label, a second line, and where it is. `exact`: this is what was meant."""

    kind: str
    label: str
    detail: str
    url: str
    exact: bool = False


@dataclass(frozen=True)
class Group:
    """What was found of one kind, the best first. `more_url` lists the rest; `failed` says why there is nothing."""

    kind: str
    hits: list[Hit] = field(default_factory=list)
    more_url: str = ""
    failed: str = ""

    @property
    def panel_id(self) -> str:
        return f"found-{self.kind.lower()}"


Search = Callable[[HttpRequest, str], Iterator[Hit]]


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The one exact hit is opened at once; else the list of what was found."""
    text = _text(request)
    groups = _groups(request, text)
    exact = {hit.url for group in groups for hit in group.hits if hit.exact}
    if len(exact) == 1:
        return go(request, exact.pop())
    return page(request, "console/search.html", {"q": text, "groups": groups})


@require_GET
def suggestions(request: HttpRequest) -> HttpResponse:
    """The best of every kind, as the options of the search box."""
    text = _text(request)
    hits = sorted((hit for group in _groups(request, text) for hit in group.hits), key=lambda hit: _rank(hit, text))
    everything = f"{reverse('search')}?{urlencode({'q': text})}"
    return page(request, "console/suggestions.html", {"q": text, "hits": hits[:SUGGESTED], "everything": everything})


def _text(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]


def _groups(request: HttpRequest, text: str) -> list[Group]:
    """What was found, kind by kind, the kind with the best hit first. A kind that fails or is slow says so."""
    if not text:
        return []
    with shared_limit(KIND_MS):
        groups = [_group(kind, find, request, text) for kind, find in KINDS]
    found = [group for group in groups if group.hits or group.failed]
    return sorted(found, key=lambda group: _rank(group.hits[0], text)[0] if group.hits else len(KINDS))


def _group(kind: str, find: Search, request: HttpRequest, text: str) -> Group:
    try:
        with limited(KIND_MS, kind):
            hits = sorted(_bounded(find(request, text)), key=lambda hit: _rank(hit, text))
    except (ConsoleError, DatabaseError) as error:
        return Group(kind, failed=error.message if isinstance(error, ConsoleError) else f"{kind}: not available now.")
    more = LISTS.get(kind)
    return Group(kind, hits[:SHOWN], more(text) if more and len(hits) > SHOWN else "")


def _bounded(hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit, _ in zip(hits, range(3 * SHOWN), strict=False)]


def _rank(hit: Hit, text: str) -> tuple[int, int]:
    """Exact, then whole labels, beginnings, whole words, beginnings of words, parts; short labels first."""
    wanted, label = text.lower(), hit.label.lower()
    words = re.split(r"[^\w]+|_", f"{label} {hit.detail.lower()}")
    begins = any(word.startswith(wanted) for word in words)
    kinds = (hit.exact, label == wanted, label.startswith(wanted), wanted in words, begins)
    return (kinds.index(True) if True in kinds else len(kinds)), len(label)


def _pages(request: HttpRequest, text: str) -> Iterator[Hit]:
    for label, url in titled_pages(request):
        if text.lower() in label.lower() or url.strip("/") == text.strip("/"):
            yield Hit("Page", label, url, url, url == text)
    if "/" in text and (found := _path(f"/{text.removeprefix('/')}")):
        yield Hit("Page", text, "An address of this console", found, exact=True)


def _path(text: str) -> str:
    """The address of a page that was pasted, with or without its last slash; "" for one that leads nowhere."""
    for path in (text.partition("?")[0], f"{text.partition('?')[0]}/"):
        try:
            resolve(path)
        except Resolver404:
            continue
        return text if path == text.partition("?")[0] else path
    return ""


def _flags(_: HttpRequest, text: str) -> Iterator[Hit]:
    # Pages of flags have numbers in their addresses; people write the name there.
    name = text.strip("/").removeprefix("flags/")
    found = flags(text).order_by("name")[: 3 * SHOWN] if name == text else flags().filter(name=name)
    for flag in found:
        yield Hit("Flag", flag.name, flag.note, reverse("flags:page", args=[flag.pk]), flag.name == name)


def _segments(_: HttpRequest, text: str) -> Iterator[Hit]:
    for segment in segments(text).order_by("name")[: 3 * SHOWN]:
        url = reverse("flags:segment", args=[segment.pk])
        yield Hit("Segment", segment.name, segment.note, url, segment.name == text)


def _breakers(_: HttpRequest, text: str) -> Iterator[Hit]:
    for breaker in Breaker.objects.filter(name__icontains=text).order_by("name")[: 3 * SHOWN]:
        url = reverse("breakers:page", args=[breaker.name])
        yield Hit("Breaker", breaker.name, breaker.get_status_display(), url, breaker.name == text)


def _resources(_: HttpRequest, text: str) -> Iterator[Hit]:
    found = Resource.objects.filter(name__icontains=text) | Resource.objects.filter(title__icontains=text)
    for one in found.order_by("name")[: 3 * SHOWN]:
        yield Hit("Limit", one.name, one.title, reverse("quotas:resource", args=[one.name]), one.name == text)


def _people(_: HttpRequest, text: str) -> Iterator[Hit]:
    for person in directory.find(text, SHOWN + 1):
        exact = text.lower() in {person.id.lower(), person.email.lower()}
        detail = f"{person.name} · {person.tier}"
        yield Hit("User", person.email or person.id, detail, reverse("quotas:user", args=[person.id]), exact)


def _operations(_: HttpRequest, text: str) -> Iterator[Hit]:
    for one in operations.matching(text, SHOWN + 1):
        url = reverse("operations:page", args=[one.kind, one.operation_id])
        detail = f"{one.kind} · {one.status} · {one.operation_id}"
        yield Hit("Operation", one.title or one.operation_id, detail, url, one.operation_id.lower() == text.lower())


def _actions_on_operations(_: HttpRequest, text: str) -> Iterator[Hit]:
    number = text.lstrip("#")
    if re.fullmatch(r"[0-9]{1,18}", number):
        for one in Action.objects.filter(pk=int(number)):
            label = f"Action {one.pk}: {one.get_verb_display().lower()} {one.kind}"
            yield Hit("Action", label, one.get_state_display(), reverse("operations:action", args=[one.pk]), True)


def _names(_: HttpRequest, text: str) -> Iterator[Hit]:
    """What people did (actions) and who did it (people of this console): each leads to its entries of the audit."""
    columns: tuple[tuple[audit.Named, str], ...] = (("action", "Changes of this kind"), ("actor", "Changes by them"))
    for column, detail in columns:
        for each in audit.names(column, text, anywhere=True)[: 3 * SHOWN]:
            query = urlencode({str(column): each.name})
            yield Hit("Audit", each.name, detail, f"{reverse('audit:list')}?{query}")


def _requests(_: HttpRequest, text: str) -> Iterator[Hit]:
    """What one request did or was refused for: the id that an error page, a log line or a response header shows."""
    if len(text) < 8:
        return
    for entry in Entry.objects.filter(request_id=text).order_by("-at", "-id")[:SHOWN]:
        yield Hit("Request", f"{entry.action} {entry.target_label}", f"by {entry.actor}", _entry(entry))
    for refusal in Refusal.objects.filter(request_id=text).order_by("-id")[:SHOWN]:
        url = reverse("quotas:user", args=[refusal.user_id])
        yield Hit("Request", f"Refused: {refusal.resource}", f"{refusal.route} for {refusal.user_id}", url)


def _routes(_: HttpRequest, text: str) -> Iterator[Hit]:
    """Refused calls of a backend's path."""
    if "/" in text:
        for refusal in Refusal.objects.filter(route__icontains=text).order_by("-id")[: SHOWN + 1]:
            url = reverse("quotas:user", args=[refusal.user_id])
            yield Hit("Refusal", refusal.route, f"{refusal.resource} for {refusal.user_id}", url)


def _entry(entry: Entry) -> str:
    return reverse("audit:entry", args=[entry.pk])


KINDS: tuple[tuple[str, Search], ...] = (
    ("Pages", _pages),
    ("Flags", _flags),
    ("Segments", _segments),
    ("Breakers", _breakers),
    ("Limits", _resources),
    ("Users", _people),
    ("Operations", _operations),
    ("Actions", _actions_on_operations),
    ("Requests", _requests),
    ("Refusals", _routes),
    ("Audit", _names),
)
# Where the rest of a kind is listed.
LISTS: dict[str, Callable[[str], str]] = {
    "Flags": lambda text: f"{reverse('flags:list')}?{urlencode({'q': text})}",
    "Segments": lambda text: f"{reverse('flags:segments')}?{urlencode({'q': text})}",
    "Breakers": lambda text: f"{reverse('breakers:list')}?{urlencode({'q': text})}",
    "Limits": lambda text: reverse("quotas:resources"),
    "Users": lambda text: f"{reverse('quotas:list')}?{urlencode({'q': text})}",
    "Operations": lambda text: f"{reverse('operations:list')}?{urlencode({'q': text})}",
    "Audit": lambda text: f"{reverse('audit:list')}?{urlencode({'q': text})}",
}
