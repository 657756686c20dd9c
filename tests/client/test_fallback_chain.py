"""A named chain of answers."""

import asyncio

import pytest

from ops_client.errors import FallbackExhausted, InvalidInput
from ops_client.fallback import with_fallback


def failing(*args):
    raise ConnectionError("away")


async def failing_later(*args):
    raise TimeoutError


async def cover(title):
    return f"cached {title}"


def test_first_link_answers():
    """While the first link works, the others are not asked."""
    answer = with_fallback("cover", primary=str.upper, cached=failing)("x")
    assert (answer.value, answer.link, answer.degraded, answer.errors) == ("X", "primary", False, {})


def test_says_which_link_answered():
    """When a link fails the next one answers, by name, with what went wrong before."""
    answer = with_fallback("cover", primary=failing, cached=failing, placeholder=str.lower)("X")
    assert (answer.value, answer.link, answer.degraded) == ("x", "placeholder", True)
    assert list(answer.errors) == ["primary", "cached"]


def test_none_can_answer():
    """When every link fails, all of their errors are at hand."""
    with pytest.raises(FallbackExhausted) as caught:
        with_fallback("cover", primary=failing, cached=failing)("x")
    assert list(caught.value.errors) == ["primary", "cached"]
    assert caught.value.chain == "cover"


def test_error_that_is_not_to_be_covered_up():
    """An error outside `falls_on` is raised as it is."""
    chain = with_fallback("cover", falls_on=(TimeoutError,), primary=failing, cached=str.lower)
    with pytest.raises(ConnectionError):
        chain("x")


def test_uses_are_counted():
    """Every use is counted by the link that answered, and told to the hook."""
    told = []
    chain = with_fallback("cover", on_use=lambda *use: told.append(use), primary=failing, cached=str.lower)
    chain("x")
    chain("x")
    assert chain.uses() == {"cached": 2}
    assert told == [("cover", "cached")] * 2


def test_failure_of_all_is_counted():
    """A use that no link could answer is counted, too."""
    chain = with_fallback("cover", primary=failing)
    with pytest.raises(FallbackExhausted):
        chain()
    assert chain.uses() == {"none": 1}


def test_links_may_be_async():
    """Awaited links fail and answer like the others."""
    chain = with_fallback("cover", primary=failing_later, cached=cover)
    answer = asyncio.run(chain.acall("x"))
    assert (answer.value, answer.link) == ("cached x", "cached")


def test_chain_without_links_is_refused():
    """A chain needs a link."""
    with pytest.raises(InvalidInput):
        with_fallback("cover")
