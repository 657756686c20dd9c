"""The published comparison of ways to limit, as `dev.py bench windows` prints it, holds."""

import pytest

from benchmarks import windows


@pytest.fixture(scope="module")
def figures() -> windows.Result:
    return windows.measure()


def test_the_ring_never_exceeds_and_the_others_do(figures):
    """Under bursts at every place in a window the ring lets 100 of 100 through, each of the others well over that."""
    assert figures.ours == 100
    assert {peer.name: peer.value >= 170 for peer in figures.peers} == dict.fromkeys(
        ["fixed window", "two counters", "GCRA"], True
    )


def test_the_ring_wastes_little(figures):
    """At 1.5 times overload it admits at least 94 % of what an exact log does."""
    shares = [share for name, share in figures.details.items() if "ring" in name]
    assert [share >= 0.94 for share in shares] == [True]
