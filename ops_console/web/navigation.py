"""The left rail: four groups, in one place. A page that has no URL yet is not listed."""

from dataclasses import dataclass

from django.http import HttpRequest

from ops_console.access.roles import Role, reaches
from ops_console.web.markup import address_if_any


@dataclass(frozen=True)
class Page:
    """One entry of the rail; `key` is the letter that opens it after `g`, `also` are further URLs of its section."""

    label: str
    url_name: str
    icon: str
    key: str
    role: Role = Role.VIEWER
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """An entry as it is shown; `current` is for aria-current: the page itself, or one of its section."""

    label: str
    url: str
    icon: str
    key: str
    current: str


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Now",
        (
            Page("Overview", "overview", "squares-2x2", "h"),
            Page("Operations", "operations:list", "queue-list", "o", also=("sweep:overview",)),
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
    (
        "History",
        (
            Page("Approvals", "approvals:list", "check-badge", "p"),
            Page("Audit", "audit:list", "clipboard-document-list", "a"),
        ),
    ),
    (
        "Platform",
        (
            Page("System", "system", "server-stack", "s"),
            Page("API", "api_docs", "code-bracket", "i", also=("access:tokens",)),
            Page("Access", "access:users", "key", "u", Role.ADMIN),
        ),
    ),
)
# Pages of these sections that the rail does not list: the search box finds them.
INNER: tuple[tuple[str, str, Role], ...] = (
    ("Sweep", "sweep:overview", Role.VIEWER),
    ("Actions", "operations:actions", Role.VIEWER),
    ("Dead letters", "operations:dead", Role.VIEWER),
    ("Error groups", "operations:groups", Role.VIEWER),
    ("Segments", "flags:segments", Role.VIEWER),
    ("Unknown flags", "flags:undefined", Role.VIEWER),
    ("New flag", "flags:new", Role.OPERATOR),
    ("Tiers", "quotas:tiers", Role.VIEWER),
    ("Resources", "quotas:resources", Role.VIEWER),
    ("Storage", "quotas:drifts", Role.VIEWER),
    ("Import overrides", "quotas:import", Role.OPERATOR),
    ("Bulk override", "quotas:many", Role.OPERATOR),
    ("Approval rules", "approvals:rules", Role.ADMIN),
    ("API tokens", "access:tokens", Role.VIEWER),
    ("Invite somebody", "access:invite", Role.ADMIN),
    ("Second factor", "mfa_index", Role.VIEWER),
    ("Password", "account_change_password", Role.VIEWER),
    ("Sessions", "usersessions_list", Role.VIEWER),
)


def titled_pages(request: HttpRequest) -> list[tuple[str, str]]:
    """Label and address of every page with a title of its own that this person may open."""
    shown = [(link.label, link.url) for _, links in rail(request) for link in links]
    role = getattr(request.user, "role", "")
    return shown + [
        (label, address_if_any(name)) for label, name, least in INNER if address_if_any(name) and reaches(role, least)
    ]


def rail(request: HttpRequest, role: str | None = None) -> list[tuple[str, list[Link]]]:
    """The groups that this person may open, with the section of the page being shown marked.

    `role` is for when the person cannot be read: the database may be unreachable.
    """
    role = getattr(request.user, "role", "") if role is None else role
    section = _section(request.path)
    groups = [
        (name, [_link(page, request.path, section) for page in pages if _is_open(page, role)]) for name, pages in GROUPS
    ]
    return [(name, links) for name, links in groups if links]


def _is_open(page: Page, role: str) -> bool:
    return bool(address_if_any(page.url_name)) and reaches(role, page.role)


def _link(page: Page, path: str, section: Page | None) -> Link:
    url = address_if_any(page.url_name)
    current = ("page" if path == url else "true") if page is section else ""
    return Link(page.label, url, page.icon, page.key, current)


def _section(path: str) -> Page | None:
    """The page whose address, or one that belongs to it, is the longest beginning of this path."""
    starts = [
        (address_if_any(name), page) for _, pages in GROUPS for page in pages for name in (page.url_name, *page.also)
    ]
    matching = [
        (len(url), page) for url, page in starts if url and (path == url or (url != "/" and path.startswith(url)))
    ]
    return max(matching, key=lambda found: found[0])[1] if matching else None
