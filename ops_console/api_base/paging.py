"""Lists by pages: `next` is the whole address of the page that follows."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Schema

from ops_console.api_base.reading import Asked
from ops_console.web.keyset import Keyset
from ops_console.web.tabs import query_url

Item = TypeVar("Item")


class Listed(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(None, description="Where the next page is; null on the last one.")


class Paging(Asked):
    """The parameters of every list. Filters of one list derive from it."""

    cursor: str = Field("", description="Where the page begins: follow next, never make one up.")
    limit: int = Field(50, ge=1, le=200, description="How many items a page holds.")


def listed(
    request: HttpRequest,
    keyset: Keyset,
    found: QuerySet[Any],
    paging: Paging,
    shape: Callable[[Any], Any] = lambda row: row,
) -> dict[str, Any]:
    """A page of a queryset in the keyset's order, each row put into its form by `shape`."""
    page = Keyset(*keyset.keys, size=paging.limit).page(found, paging.cursor)
    following = request.build_absolute_uri(query_url(request, cursor=page.next)) if page.next else None
    return {"items": [shape(row) for row in page.rows], "next": following}
