"""OpenFeature's questions of every type, each with its value, reason and error."""

import asyncio

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from openfeature.hook import Hook

from ops_client import OpsClient
from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.flags.openfeature import OpsProvider
from ops_client.testing import MemoryStore
from tests.flag_rows import applied, flag, variant

ANNA = EvaluationContext("anna", {"tier": "pro"})
PRO = [{"field": "tier", "operator": "IN", "values": ["pro"]}]
DEFAULTS = {"boolean": True, "string": "d", "integer": -1, "float": -1.5, "object": {"d": True}}


@pytest.fixture
def ask(store, ops, asked):
    """The details of one flag, asked in a type."""
    client = asked(ops)

    def details(row, kind="boolean", context=ANNA, name="f", default=None):
        store.set_tables(flags=[row] if row else [])
        applied(ops, store)
        default = DEFAULTS[kind] if default is None else default
        return getattr(client, f"get_{kind}_details")(name, default, context)

    return details


@pytest.mark.parametrize(
    ("kind", "payload", "value"),
    [
        ("string", ("string", "blue"), "blue"),
        ("string", ("string", ""), ""),
        ("string", ("csv", "a,b"), "a,b"),
        ("string", ("json", '"blue"'), "blue"),
        ("integer", ("number", "12"), 12),
        ("integer", ("number", "12.0"), 12),
        ("integer", ("json", "-3"), -3),
        ("float", ("number", "1.5"), 1.5),
        ("float", ("number", "2"), 2.0),
        ("object", ("json", '{"a": [1]}'), {"a": [1]}),
        ("object", ("json", "[1, 2]"), [1, 2]),
        ("object", ("csv", "a, b"), ["a", "b"]),
        ("boolean", ("json", "false"), True),
    ],
)
def test_values(ask, kind, payload, value):
    """A payload is given in the type asked for; a boolean is whether the flag is on, whatever the payload."""
    found = ask(flag(variants=[variant(*payload)]), kind)
    assert (found.value, type(found.value), found.variant) == (value, type(value), "v")
    assert (found.error_code, found.reason) == (None, Reason.STATIC)


def test_variant_without_payload_is_its_name(ask):
    """Asked for a text, a variant that carries nothing is its own name."""
    assert ask(flag(variants=[{"name": "blue", "weight": 1}]), "string").value == "blue"


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("string", ("number", "1")),
        ("string", ("json", "{}")),
        ("integer", ("string", "1")),
        ("integer", ("number", "1.5")),
        ("integer", ("json", "true")),
        ("float", ("json", "[]")),
        ("float", ("number", "1" + "0" * 400)),
        ("object", ("string", "{}")),
        ("object", ("number", "1")),
    ],
)
def test_another_type(ask, kind, payload):
    """A payload of another type gives the default and says so."""
    found = ask(flag(variants=[variant(*payload)]), kind)
    assert (found.value, found.reason) == (DEFAULTS[kind], Reason.ERROR)
    assert found.error_code is ErrorCode.TYPE_MISMATCH


@pytest.mark.parametrize("kind", ["integer", "float", "object"])
def test_name_alone_is_no_number(ask, kind):
    """A variant without payload has another type than these."""
    assert ask(flag(variants=[{"name": "blue", "weight": 1}]), kind).error_code is ErrorCode.TYPE_MISMATCH


@pytest.mark.parametrize("kind", ["string", "integer", "float", "object"])
def test_flag_without_variants_is_a_boolean(ask, kind):
    """A flag that can only be on or off has no value of another type."""
    assert ask(flag(), kind).error_code is ErrorCode.TYPE_MISMATCH


@pytest.mark.parametrize(("kind", "payload"), [("integer", ("number", "many")), ("object", ("json", "{"))])
def test_payload_that_cannot_be_read(ask, kind, payload):
    """A payload that is not what it claims gives the default and says so."""
    found = ask(flag(variants=[variant(*payload)]), kind)
    assert (found.value, found.error_code) == (DEFAULTS[kind], ErrorCode.PARSE_ERROR)


FREE = [{"field": "tier", "operator": "IN", "values": ["free"]}]
TWO = [{"name": name, "weight": 1, "payload": {"type": "string", "value": name}} for name in "ab"]
FOR_ANNA, FOR_BEN = (
    [{**TWO[0], "overrides": [{"field": "user_id", "values": [user]}]}, TWO[1]] for user in ("anna", "ben")
)


@pytest.mark.parametrize(
    ("row", "value", "reason"),
    [
        (flag(everyone=True), True, Reason.STATIC),
        (flag(everyone=False), False, Reason.DISABLED),
        (flag(), True, Reason.STATIC),
        (flag(rules=[{"constraints": PRO}]), True, Reason.TARGETING_MATCH),
        (flag(rules=[{"segments": ["pros"]}]), False, Reason.DEFAULT),
        (flag(rules=[{"percent": "99.99"}]), True, Reason.SPLIT),
        (flag(rules=[{"constraints": FREE}, {}]), True, Reason.DEFAULT),
        (flag(rules=[{}, {"constraints": PRO}]), True, Reason.DEFAULT),
        (flag(rules=[{"percent": 0}, {}]), True, Reason.DEFAULT),
        (flag(rules=[{}, {"name": "again"}]), True, Reason.STATIC),
        (flag(on_at="2020-01-01T00:00:00Z"), True, Reason.TARGETING_MATCH),
        (flag(prerequisites=[{"flag": "gone", "state": "off"}]), True, Reason.TARGETING_MATCH),
        (flag(everyone=True, rules=[{"constraints": PRO}]), True, Reason.STATIC),
        (flag(variants=FOR_ANNA), True, Reason.STATIC),
        (flag(rules=[{"constraints": PRO, "percent": "99.99"}]), True, Reason.SPLIT),
        (flag(rules=[]), False, Reason.DEFAULT),
        (flag(off_at="2020-01-01T00:00:00Z"), False, Reason.DEFAULT),
        (flag(variants=TWO), True, Reason.STATIC),
    ],
)
def test_reasons_of_a_boolean(ask, row, value, reason):
    """The reason says what settled the answer."""
    found = ask(row)
    assert (found.value, found.reason, found.error_code) == (value, reason, None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (flag(variants=TWO), Reason.SPLIT),
        (flag(variants=TWO[:1]), Reason.STATIC),
        (flag(variants=[*TWO[:1], {"name": "b", "weight": 0}]), Reason.STATIC),
        (flag(rules=[{"constraints": PRO, "variants": TWO[:1]}]), Reason.TARGETING_MATCH),
        (flag(rules=[{"constraints": PRO, "variants": TWO}]), Reason.SPLIT),
        (flag(everyone=True, variants=TWO), Reason.SPLIT),
        (flag(variants=FOR_ANNA), Reason.TARGETING_MATCH),
        (flag(everyone=True, variants=FOR_ANNA), Reason.TARGETING_MATCH),
        (flag(variants=FOR_BEN), Reason.SPLIT),
        (flag(variants=FOR_BEN[:1]), Reason.DEFAULT),
        (flag(everyone=True, variants=FOR_BEN[:1]), Reason.DEFAULT),
        (flag(rules=[{"constraints": FREE, "variants": TWO}, {"variants": TWO[:1]}]), Reason.DEFAULT),
    ],
)
def test_reasons_of_a_variant(ask, row, reason):
    """A choice among several variants is a split."""
    found = ask(row, "string")
    assert (found.value in {"a", "b"}, found.reason) == (True, reason)


@pytest.mark.parametrize(("everyone", "reason"), [(False, Reason.DISABLED), (None, Reason.DEFAULT)])
def test_flag_that_is_off_gives_the_default(ask, everyone, reason):
    """No variant is given by a flag that is off; that is no error."""
    found = ask(flag(everyone=everyone, rules=[], variants=TWO), "string")
    assert (found.value, found.variant, found.reason, found.error_code) == ("d", None, reason, None)


@pytest.mark.parametrize("row", [flag(rules=[], variants=TWO), flag(everyone=False)])
def test_a_whole_number_is_a_default_for_a_float(ask, row):
    """Asked for a float with the default 1, a flag that gives no value gives 1.0, and says nothing of types."""
    found = ask(row, "float", default=1)
    assert (found.value, type(found.value)) == (1.0, float)
    assert found.error_code is None


@pytest.mark.parametrize("default", [10**400, 2.5])
def test_a_default_of_another_size_is_left_alone(ask, default):
    """A number that no float holds is the caller's to answer for; a float stays what it is."""
    assert ask(None, "float", default=default).value == default


@pytest.mark.parametrize("row", [flag(everyone=False), flag(rules=[])])
def test_a_kill_switch_never_gives_the_default(ask, row):
    """A boolean that is off is False, though the caller would take True where nothing is known."""
    assert ask(row, default=True).value is False


@pytest.mark.parametrize("row", [None, flag(archived=True)])
def test_flag_that_is_not_in_force(ask, row):
    """A flag that is not defined, or archived, gives the default and says so."""
    found = ask(row)
    assert (found.value, found.reason, found.error_code) == (True, Reason.ERROR, ErrorCode.FLAG_NOT_FOUND)


def test_environment_answers_for_a_flag_that_is_not_in_force(ask, ops, monkeypatch):
    """OPS_FLAG_... is the default of the operator of the process, and no error."""
    monkeypatch.setattr(ops.flags, "defaults", EnvironmentDefaults({"OPS_FLAG_F": "off"}))
    found = ask(None)
    assert (found.value, found.reason, found.error_code) == (False, Reason.DEFAULT, None)
    assert ask(None, "string").value == "d"


NO_KEY = ErrorCode.TARGETING_KEY_MISSING


@pytest.mark.parametrize(
    ("rules", "context", "code"),
    [
        ([{"percent": 50}], EvaluationContext(), NO_KEY),
        ([{"percent": 50}], EvaluationContext(""), NO_KEY),
        ([{"percent": 50, "constraints": PRO}], EvaluationContext(None, {"tier": "pro"}), NO_KEY),
        ([{"percent": 50, "constraints": PRO}], EvaluationContext(None, {"tier": "free"}), None),
        ([{"percent": 0}], EvaluationContext(), None),
        ([{"percent": 50, "stickiness": "company"}], EvaluationContext(), None),
        ([{"percent": 100}], EvaluationContext(), None),
        ([{"percent": 50}], EvaluationContext(None, {"user_id": "anna"}), None),
    ],
)  # fmt: skip
def test_missing_targeting_key(ask, rules, context, code):
    """It is an error where a share of the users would decide, and only there."""
    assert ask(flag(rules=rules), context=context).error_code is code


def test_targeting_key_is_the_user(ask):
    """The targeting key is `user_id`, which an attribute of that name overrides."""
    only = flag(rules=[{"constraints": [{"field": "user_id", "operator": "IN", "values": ["anna"]}]}])
    assert ask(only, context=EvaluationContext("anna")).value is True
    assert ask(only, context=EvaluationContext("ben")).value is False
    assert ask(only, context=EvaluationContext("ben", {"user_id": "anna"})).value is True


@pytest.mark.parametrize("context", [EvaluationContext(7), EvaluationContext("anna", ["tier"])])
def test_invalid_context(ops, context):
    """A context of the wrong shape gives the default and says so."""
    found = OpsProvider(ops).resolve_boolean_details("f", True, context)
    assert (found.value, found.reason, found.error_code) == (True, Reason.ERROR, ErrorCode.INVALID_CONTEXT)


def test_no_context_at_all(store, ops):
    """A provider that is asked without a context answers for nobody."""
    store.set_tables(flags=[flag()])
    applied(ops, store)
    assert OpsProvider(ops).resolve_boolean_details("f", False).value is True


def test_metadata(ask):
    """Revision, version, rule and reason come along."""
    found = ask(flag(rules=[{"name": "pros", "constraints": PRO}]))
    assert found.flag_metadata == {
        "revision": 2, "version": 3, "rule": "pros", "reason": "TARGETING_MATCH",
    }  # fmt: skip
    assert ask(None).flag_metadata == {"revision": 3}


def test_nothing_to_answer_from():
    """Without a database and without a snapshot there are no flags yet, rather than flags that are not found."""
    store = MemoryStore()
    store.away = True
    with OpsClient("", service="test", store=store, snapshot_path=None) as client:
        found = OpsProvider(client).resolve_boolean_details("f", True)
    assert (found.value, found.error_code) == (True, ErrorCode.PROVIDER_NOT_READY)


def test_async_questions(store, ops, asked):
    """Each type can be asked with await, and gives the same."""
    store.set_tables(flags=[flag(variants=[variant("number", "7")])])
    client = asked(ops)
    applied(ops, store)

    async def both():
        return await client.get_boolean_value_async("f", False), await client.get_integer_value_async("f", 0)

    assert asyncio.run(both()) == (True, 7)


def test_hooks_see_what_was_answered(store, ops, asked):
    """Hooks run as they do with any provider."""
    seen = []

    class Seeing(Hook):
        def after(self, hook_context, details, hints):
            seen.append((hook_context.flag_key, details.value, details.reason))

    store.set_tables(flags=[flag()])
    client = asked(ops)
    applied(ops, store)
    client.add_hooks([Seeing()])
    client.get_boolean_value("f", False, ANNA)
    assert seen == [("f", True, Reason.STATIC)]
