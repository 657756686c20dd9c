"""Counts by state as tabs: each is a link that changes one parameter of the URL and keeps the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True)
class Tab:
    """`elsewhere`: it leads to another page, never to a part of this one."""

    label: str
    url: str
    count: int | None
    current: bool
    elsewhere: bool = False


def tabs(
    request: HttpRequest,
    choices: Iterable[tuple[str, str]],
    counts: Mapping[str, int] | None = None,
    param: str = "state",
) -> list[Tab]:
    """`choices` are (value, label); the value "" means all and drops the parameter. Paging starts anew."""
    chosen = request.GET.get(param, "")
    return [
        Tab(label, query_url(request, **{param: value}), (counts or {}).get(value), value == chosen)
        for value, label in choices
    ]


def query_url(request: HttpRequest, **changes: str) -> str:
    """This page's URL with some parameters changed ("" drops one); the cursor never survives a change."""
    query = request.GET.copy()
    for name, value in {"cursor": "", **changes}.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path
