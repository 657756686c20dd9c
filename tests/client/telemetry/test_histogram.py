"""Durations in logarithmic buckets."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.errors import InvalidInput
from ops_client.telemetry.histogram import HIGHEST, LOWEST, Histogram, bucket_of, edge

durations = st.floats(0.001, 5_000)


def histogram(*values: float) -> Histogram:
    made = Histogram()
    for value in values:
        made.observe(value)
    return made


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_edges_are_exact(seconds):
    """1 s and 5 s are edges: what takes exactly that is within, the next possible duration above is not."""
    assert edge(bucket_of(seconds)) == seconds
    assert histogram(seconds).over_rate(seconds) == 0
    assert histogram(seconds + 1e-6).over_rate(seconds) == 1


def test_every_edge_is_in_its_own_bucket():
    """No edge slips into the next bucket by the last bit of a logarithm."""
    assert [bucket_of(edge(bucket)) for bucket in range(LOWEST, HIGHEST)] == list(range(LOWEST, HIGHEST))


@given(st.lists(durations, min_size=1))
def test_share_over_five_seconds_is_exact(values):
    """The share over 5 s is a count and no estimate."""
    clear = [value for value in values if abs(value - 5) > 1e-6] or [1.0]
    assert histogram(*clear).over_rate(5) == sum(value > 5 for value in clear) / len(clear)


@given(durations)
def test_a_value_lies_in_its_bucket(seconds):
    """Every duration lies between the edges of its bucket."""
    bucket = bucket_of(seconds)
    assert edge(bucket - 1) * (1 - 1e-9) < seconds <= edge(bucket) * (1 + 1e-9)


@given(st.lists(durations, min_size=1), st.floats(0, 1))
def test_quantile_is_near(values, rate):
    """A quantile is within 2.1 % of the exact one."""
    ordered = sorted(values)
    exact = next(value for count, value in enumerate(ordered, 1) if count >= rate * len(ordered))
    assert histogram(*values).quantile(rate) == pytest.approx(exact, rel=0.021)


@given(st.lists(durations), st.lists(durations))
def test_merging_is_adding(first, second):
    """Two histograms merged are the histogram of all."""
    merged = histogram(*first)
    merged.merge(histogram(*second))
    assert merged.counts == histogram(*first, *second).counts
    assert merged.total_seconds == pytest.approx(sum(first) + sum(second))


def test_counts_come_back():
    """A histogram made from stored counts is the one that was stored."""
    stored = histogram(0.1, 2, 7)
    assert Histogram(stored.counts, stored.total_seconds).quantile(0.5) == stored.quantile(0.5)


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, LOWEST), (-1, LOWEST), (1e9, HIGHEST), (inf, HIGHEST), (nan, LOWEST)]
)
def test_out_of_range(seconds, bucket):
    """What no clock should give is kept at an end and raises nothing."""
    assert bucket_of(seconds) == bucket


def test_empty():
    """Without calls there is no quantile and no share: no data is not zero."""
    assert Histogram().quantile(0.5) is None
    assert Histogram().over_rate(5) is None


def test_quantile_wants_a_share():
    """95 is not a share; 0.95 is."""
    with pytest.raises(InvalidInput):
        histogram(1).quantile(95)
