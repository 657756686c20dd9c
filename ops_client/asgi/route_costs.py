"""What requests cost, as a table by route."""

import re
from collections.abc import Callable, Mapping

from ops_client.asgi.types import Scope


def route_costs(costs: Mapping[str, int], usual: int = 1) -> Callable[[Scope], int]:
    """The option `cost` from a table such as `{"POST /api/export/{id}": 10, "GET /api/ping": 0}`; else `usual`.

    Without a method an entry is for all of them; `{...}` stands for one part of a path.
    """
    known = [(*_route(route), cost) for route, cost in costs.items()]

    def cost(scope: Scope) -> int:
        for method, path, each in known:
            if method in ("", scope["method"]) and path.fullmatch(scope["path"]):
                return each
        return usual

    return cost


def _route(route: str) -> tuple[str, re.Pattern[str]]:
    method, _, path = route.rpartition(" ")
    return method.strip().upper(), re.compile("[^/]+".join(map(re.escape, re.split(r"{[^}]*}", path))))
