"""Flags that depend on other flags."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.flags.compile import compile_snapshot
from ops_client.flags.evaluate import evaluate
from ops_client.flags.prerequisites import Prerequisite, cycle_through, cycles
from ops_client.flags.rules import FlagDefinition, Rule
from ops_client.flags.variants import VariantDefinition

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ON, OFF = Prerequisite("parent"), Prerequisite("parent", on=False)
IN_A = Prerequisite("parent", variants=("a", "b"))


def child(*asked: Prerequisite, **options) -> FlagDefinition:
    return FlagDefinition("child", rules=(Rule(),), prerequisites=asked, **options)


def parent(name: str = "parent", **options) -> FlagDefinition:
    return FlagDefinition(name, **options)


def answer(*flags: FlagDefinition, context=None) -> bool:
    return compile_snapshot(flags, 1, now=lambda: NOON).is_enabled("child", context or {})


@pytest.mark.parametrize(
    ("asked", "of", "expected"),
    [
        (ON, {"everyone": True}, True),
        (ON, {"everyone": False}, False),
        (OFF, {"everyone": True}, False),
        (OFF, {"everyone": False}, True),
        (IN_A, {"everyone": True, "variants": (VariantDefinition("b", 1),)}, True),
        (IN_A, {"everyone": True, "variants": (VariantDefinition("c", 1),)}, False),
        (IN_A, {"everyone": True}, False),
        (IN_A, {"everyone": False, "variants": (VariantDefinition("a", 1),)}, False),
        (ON, {"everyone": True, "archived": True}, False),
        (OFF, {"everyone": True, "archived": True}, True),
    ],
)
def test_parent_state(asked, of, expected):
    """A parent must be on, off, or on in one of some variants; an archived one is off."""
    assert answer(child(asked), parent(**of)) is expected
    assert evaluate(child(asked), {}, NOON, parents={"parent": parent(**of)}) is expected


def test_parent_that_is_gone_is_off():
    """A parent that nobody has defined is off."""
    assert answer(child(ON)) is False
    assert answer(child(OFF)) is True


def test_all_must_hold():
    """One parent that is not as asked is enough to keep the flag off."""
    asked = (ON, Prerequisite("other"))
    assert answer(child(*asked), parent(everyone=True), parent("other", everyone=False)) is False
    assert answer(child(*asked), parent(everyone=True), parent("other", everyone=True)) is True


def test_parent_is_asked_for_the_same_context():
    """The parent's own rules decide for this context."""
    ramp = parent(rules=(Rule(percent=Decimal(50)),))
    snapshot = compile_snapshot([child(ON), ramp], 1)
    contexts = [{"user_id": str(number)} for number in range(200)]
    answers = [snapshot.is_enabled("parent", each) for each in contexts]
    assert {*answers} == {True, False}
    assert [snapshot.is_enabled("child", each) for each in contexts] == answers


def test_everyone_comes_before_prerequisites():
    """The kill switch, and on for everyone, ask no parent."""
    assert answer(child(ON, everyone=True), parent(everyone=False)) is True
    assert answer(child(ON, everyone=False), parent(everyone=True)) is False


def test_chain():
    """A parent may have a parent."""
    grandparent = parent("grandparent", everyone=True)
    middle = parent(rules=(Rule(),), prerequisites=(Prerequisite("grandparent"),))
    assert answer(child(ON), middle, grandparent) is True
    assert answer(child(ON), middle, parent("grandparent", everyone=False)) is False


def test_cycle_is_off_and_told():
    """Flags that depend on themselves are off, whichever state they ask for; the problem shows the way round."""
    second = parent(rules=(Rule(),), prerequisites=(Prerequisite("child", on=False),))
    bystander = FlagDefinition("bystander", rules=(Rule(),), prerequisites=(OFF,))
    snapshot = compile_snapshot([child(OFF), second, bystander], 1)
    assert not snapshot.is_enabled("child", {})
    assert not snapshot.is_enabled("parent", {})
    assert snapshot.is_enabled("bystander", {})
    assert {(each.flag, each.rule) for each in snapshot.problems} == {
        ("child", "prerequisites"),
        ("parent", "prerequisites"),
    }
    assert "child → parent → child" in snapshot.problems[0].message


def test_endless_chain_raises_nothing():
    """A chain longer than Python's stack answers no."""
    links = [
        FlagDefinition(f"f{number}", rules=(Rule(),), prerequisites=(Prerequisite(f"f{number + 1}"),))
        for number in range(5_000)
    ]
    assert compile_snapshot(links, 1).is_enabled("f0", {}) is False


def test_ways_that_double_are_refused():
    """Where each flag asks two that ask the same two, a check would ask millions: it is off, told, and quick."""
    pairs = [[f"{side}{number}" for side in "ab"] for number in range(40)]
    levels = [
        FlagDefinition(name, rules=(Rule(),), prerequisites=tuple(map(Prerequisite, above)))
        for names, above in pairwise(pairs)
        for name in names
    ]
    top = [FlagDefinition(name, everyone=True) for name in pairs[-1]]
    snapshot = compile_snapshot([*levels, *top], 1)
    assert snapshot.is_enabled("a0", {}) is False
    assert snapshot.is_enabled("a35", {}) is True
    assert "more than 100 flags" in next(each.message for each in snapshot.problems if each.flag == "a0")


def test_cycle_through():
    """The way back to a flag is named from end to end; a flag that only leads to a cycle is in none."""
    graph = {"a": ["b"], "b": ["c", "x"], "c": ["a"], "d": ["a"], "e": ["e"]}
    assert cycle_through("a", graph) == ("a", "b", "c", "a")
    assert cycle_through("e", graph) == ("e", "e")
    assert cycle_through("d", graph) == ()
    assert set(cycles(graph)) == {"a", "b", "c", "e"}


graphs = st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=3), max_size=8)


@given(graphs)
def test_cycles_are_those_that_reach_themselves(graph):
    """A flag is told to depend on itself exactly when following parents from it comes back to it."""

    def reaches(start):
        seen, waiting = set(), list(graph.get(start, ()))
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting += graph.get(here, ())
        return start in seen

    assert set(cycles(graph)) == {name for name in graph if reaches(name)}
    for name, way in cycles(graph).items():
        assert way[0] == way[-1] == name
        assert all(after in graph[before] for before, after in pairwise(way))


@given(graphs, st.integers(0, 7))
def test_cycles_raise_nothing(graph, name):
    """Whatever depends on whatever, every flag has an answer."""
    flags = [
        FlagDefinition(str(flag), rules=(Rule(),), prerequisites=tuple(Prerequisite(str(each)) for each in parents))
        for flag, parents in graph.items()
    ]
    assert compile_snapshot(flags, 1).is_enabled(str(name), {}) in {True, False}
