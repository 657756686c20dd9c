"""The left rail: four groups, in one place. A page that has no URL yet is simply not listed."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ops_console.access.roles import Role, reaches


@dataclass(frozen=True)
class Page:
    """One entry of the rail; `key` is the letter that opens it after `g`."""

    label: str
    url_name: str
    icon: str
    key: str
    role: Role = Role.VIEWER


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    icon: str
    key: str
    current: bool


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Now",
        (
            Page("Overview", "overview", "squares-2x2", "h"),
            Page("Operations", "operations:list", "queue-list", "o"),
            Page("Breakers", "breakers:list", "bolt", "b"),
            Page("Alerts", "alerts:list", "bell-alert", "l"),
        ),
    ),
    (
        "Control",
        (
            Page("Flags", "flags:list", "flag", "f"),
            Page("Quotas", "quotas:list", "scale", "q"),
        ),
    ),
    ("Look back", (Page("Audit", "audit:list", "clipboard-document-list", "a"),)),
    (
        "Platform",
        (
            Page("System", "system", "server-stack", "s"),
            Page("API", "api_docs", "code-bracket", "i"),
            Page("Access", "access:users", "key", "u", Role.ADMIN),
        ),
    ),
)


def rail(request: HttpRequest) -> list[tuple[str, list[Link]]]:
    """The groups that this person may open, each with the link of the page being shown marked."""
    role = getattr(request.user, "role", "")
    groups = [(name, _links(pages, role, request.path)) for name, pages in GROUPS]
    return [(name, links) for name, links in groups if links]


def _links(pages: tuple[Page, ...], role: str, path: str) -> list[Link]:
    found = []
    for page in pages:
        url = _url(page.url_name)
        if url and reaches(role, page.role):
            current = path == url or (url != "/" and path.startswith(url))
            found.append(Link(page.label, url, page.icon, page.key, current))
    return found


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
