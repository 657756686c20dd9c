"""Small documents as Unleash's server sends them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ops_client.flags.unleash import FlagSet, load

Document = dict[str, Any]


@pytest.fixture
def document() -> Callable[..., Document]:
    """A document with one enabled feature, `f`, of these strategies and further parts."""

    def make(*strategies: object, segments: list[object] | None = None, **feature: object) -> Document:
        one = {"name": "f", "enabled": True, "strategies": list(strategies), **feature}
        return {"version": 2, "features": [one], "segments": segments or []}

    return make


@pytest.fixture
def flags(document) -> Callable[..., FlagSet]:
    """The same, loaded."""
    return lambda *strategies, **parts: load(document(*strategies, **parts))


@pytest.fixture
def is_on(flags) -> Callable[..., bool]:
    """Is a feature of one strategy with these constraints on?"""

    def ask(context: Mapping[str, object], *constraints: object, **parts: object) -> bool:
        return flags({"name": "default", "constraints": list(constraints)}, **parts).is_enabled("f", context)

    return ask
