"""Flags, segments and contexts as hypothesis makes them: sensible ones, odd ones, and values whose every use raises."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ops_client.flags.operators import OPERATORS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = ["a", "b", "c", "d"]
FIELDS = ["user_id", "session_id", "tier", "current_time", "hostname"]
SAMPLE = {"NUM": ["10"], "DATE": [NOON.isoformat()], "SEMVER": ["1.2.3"], "CIDR": ["10.0.0.0/8"], "REGEX": ["^p", "o$"]}


class Hostile:
    """A value whose every use raises."""

    def __str__(self):
        raise RuntimeError("no text")

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


def constraints():
    """Every operator with values that it can follow, inverted or not."""

    def build(operator):
        values = SAMPLE.get(operator.split("_")[0])
        return st.fixed_dictionaries(
            {
                "field": st.sampled_from(FIELDS),
                "operator": st.just(operator),
                "values": st.just(values) if values else st.lists(st.sampled_from(["pro", "free"]), min_size=1),
                "inverted": st.booleans(),
                "case_insensitive": st.booleans(),
            }
        )

    return st.sampled_from([*sorted(OPERATORS)]).flatmap(build)


variants = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES), "weight": st.integers(0, 3)},
        optional={
            "payload": st.just({"type": "string", "value": "x"}),
            "overrides": st.just([{"field": "tier", "values": ["pro"]}]),
        },
    ),
    max_size=3,
    unique_by=lambda each: each["name"],
)
rules = st.fixed_dictionaries(
    {
        "constraints": st.lists(constraints() | st.just({"field": "x", "operator": "TELEPATHY"}), max_size=2),
        "segments": st.lists(st.sampled_from(["paying", "gone"]), max_size=1),
        "percent": st.sampled_from([0, 30, "50.5", 100]),
        "stickiness": st.sampled_from(["user_id", "session_id", "tier"]),
        "normaliser": st.sampled_from(["murmur3_10000", "unleash"]),
        "variants": variants,
    }
)
prerequisites = st.lists(
    st.fixed_dictionaries({"flag": st.sampled_from([*NAMES, "gone"]), "state": st.sampled_from(["on", "off"])})
    | st.fixed_dictionaries({"flag": st.sampled_from(NAMES), "variants": st.just(["a", "b"])}),
    max_size=1,
)
times = st.none() | st.sampled_from([NOON - timedelta(hours=1), NOON, NOON + timedelta(hours=1)])


def rows():
    """Some flags that depend on each other, as rows of the contract."""
    return st.tuples(*(flag_row(name) for name in NAMES)).map(list)


def flag_row(name):
    return st.fixed_dictionaries(
        {
            "name": st.just(name),
            "everyone": st.sampled_from([None, None, None, True, False]),
            "percent": st.sampled_from([None, 0, 40, 100]),
            "staff": st.booleans(),
            "rules": st.lists(rules, max_size=2),
            "archived": st.sampled_from([False, False, False, True]),
            "variants": variants,
            "prerequisites": prerequisites,
            "on_at": times,
            "off_at": times,
            "version": st.just(1),
        }
    )


segment_rows = st.lists(constraints(), max_size=2).map(lambda found: [{"name": "paying", "constraints": found}])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
    | st.datetimes() | st.decimals() | st.uuids() | st.characters(categories=["Cs"]) | st.builds(Hostile),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
# Keyed by user, session and tier throughout, so that no answer is left to chance.
contexts = st.fixed_dictionaries(
    {
        "user_id": st.integers(0, 99).map(str),
        "session_id": st.integers(0, 99),
        "tier": st.sampled_from(["pro", "free"]),
    },
    optional={"current_time": values, "staff": st.booleans(), "hostname": values},
)
odd_contexts = st.dictionaries(st.sampled_from(FIELDS), values)
