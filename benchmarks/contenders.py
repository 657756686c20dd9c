"""Who takes part in the flags benchmark, each set up as its own documentation says, and none with a network."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmh3

from benchmarks.work import FLAGS, PERCENT, WANTED, Ask, Check


@dataclass(frozen=True)
class Contender:
    """`prepare` puts the work's contexts into the form that `check` takes."""

    name: str
    check: Check
    prepare: Callable[[list[Ask]], list[Ask]] = lambda work: work
    is_peer: bool = True


def all_of_them() -> list[Contender]:
    return [floor(), ours(), waffle(), unleash(), openfeature(), growthbook(), posthog(), launchdarkly()]


def floor() -> Contender:
    """What no way of doing it can go below: a dict, a set, a hash and a comparison."""
    wanted = {name: frozenset(WANTED) for name in FLAGS}

    def check(name: str, context: Any) -> bool:
        return context["tier"] in wanted[name] and in_half(name, context["user_id"])

    return Contender("floor", check, is_peer=False)


def in_half(name: str, key: str) -> bool:
    return mmh3.mmh3_32_uintdigest(f"{name}:{key}".encode()) % 10_000 < PERCENT * 100


def ours() -> Contender:
    from ops_client import OpsClient
    from ops_client.testing import MemoryStore

    constraint = {"field": "tier", "operator": "IN", "values": list(WANTED)}
    rules = [{"constraints": [constraint], "percent": PERCENT}]
    rows = [{"name": name, "everyone": None, "rules": rules, "version": 1} for name in FLAGS]
    # As a backend uses it, threads included; only what would be read from the database comes from memory.
    client = OpsClient("", service="bench", store=MemoryStore({"flags": rows}), snapshot_path=None).start()
    return Contender("ours", client.flags.is_enabled, is_peer=False)


def waffle() -> Contender:
    """waffle knows no constraints on fields: its list of languages stands for one. Its cache is in this process.

    A request remembers waffle's answers, so each check is given a request of its own.
    """
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "waffle"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5000}}
        },
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest
    from waffle import flag_is_active
    from waffle.models import Flag

    for name in FLAGS:
        Flag.objects.create(name=name, percent=PERCENT, languages=",".join(WANTED))

    def request_of(person: dict[str, Any]) -> HttpRequest:
        request = HttpRequest()
        request.user, request.LANGUAGE_CODE = AnonymousUser(), person["tier"]
        return request

    return Contender(
        "django-waffle",
        lambda name, request: bool(flag_is_active(request, name)),
        lambda work: [(name, request_of(person)) for name, person in work],
    )


def unleash() -> Contender:
    """Bootstrapped from a dictionary, fetching nothing and reporting nothing."""
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    constraint = {"contextName": "tier", "operator": "IN", "values": list(WANTED)}
    half = {"rollout": str(PERCENT), "stickiness": "userId"}
    features = [
        {
            "name": name,
            "type": "release",
            "enabled": True,
            "strategies": [
                {
                    "name": "flexibleRollout",
                    "parameters": {**half, "groupId": name},
                    "constraints": [constraint],
                }
            ],
        }
        for name in FLAGS
    ]
    cache = FileCache("bench", tempfile.mkdtemp())
    cache.bootstrap_from_dict({"version": 2, "features": features})
    client = UnleashClient(
        "http://unleash.invalid/api",
        "bench",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client(fetch_toggles=False)
    return Contender(
        "UnleashClient",
        client.is_enabled,
        lambda work: [(name, {"userId": each["user_id"], "properties": {"tier": each["tier"]}}) for name, each in work],
    )


def openfeature() -> Contender:
    """Its in-memory provider leaves the decision to a function; that is the floor's, and the rest is its own cost."""
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.flag_evaluation import FlagResolutionDetails, Reason
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    wanted = frozenset(WANTED)

    def decide(name: str) -> Callable[[Any, EvaluationContext], FlagResolutionDetails[bool]]:
        def evaluate(_: Any, context: EvaluationContext) -> FlagResolutionDetails[bool]:
            on = context.attributes["tier"] in wanted and in_half(name, context.targeting_key or "")
            return FlagResolutionDetails(value=on, reason=Reason.TARGETING_MATCH)

        return evaluate

    variants = {"on": True, "off": False}
    flags = {name: InMemoryFlag("off", variants, context_evaluator=decide(name)) for name in FLAGS}
    api.set_provider(InMemoryProvider(flags))
    client = api.get_client()
    return Contender(
        "openfeature-sdk",
        lambda name, context: client.get_boolean_value(name, False, context),
        lambda work: [(name, EvaluationContext(each["user_id"], {"tier": each["tier"]})) for name, each in work],
    )


def growthbook() -> Contender:
    """One object for all people, given the attributes of the one who is asked for."""
    from growthbook import GrowthBook

    rule = {
        "condition": {"tier": {"$in": list(WANTED)}},
        "coverage": PERCENT / 100,
        "hashAttribute": "user_id",
        "force": True,
    }
    book = GrowthBook(features={name: {"defaultValue": False, "rules": [rule]} for name in FLAGS})

    def check(name: str, attributes: Any) -> bool:
        book.set_attributes(attributes)
        return book.is_on(name)

    return Contender("growthbook", check)


def posthog() -> Contender:
    """Evaluating locally definitions that it was handed; nothing is sent, and nobody's answer is remembered."""
    from posthog import Posthog

    client = Posthog("bench", host="http://posthog.invalid", personal_api_key="bench", send=False, poll_interval=3600)
    client.disabled = False
    properties = [{"key": "tier", "value": list(WANTED), "operator": "exact", "type": "person"}]
    groups = [{"properties": properties, "rollout_percentage": PERCENT}]
    client.feature_flags = [
        {"id": number, "key": name, "active": True, "filters": {"groups": groups}} for number, name in enumerate(FLAGS)
    ]

    def check(name: str, person: Any) -> bool:
        return bool(
            client.feature_enabled(
                name,
                person["user_id"],
                person_properties=person,
                only_evaluate_locally=True,
                send_feature_flag_events=False,
            )
        )

    return Contender("posthog", check)


def launchdarkly() -> Contender:
    """Flags out of a file, as its data source for files reads them; nothing is sent."""
    import ldclient
    from ldclient.integrations import Files

    clause = {"attribute": "tier", "op": "in", "values": list(WANTED)}
    halves = {"variations": [{"variation": 0, "weight": PERCENT * 1000}, {"variation": 1, "weight": 50_000}]}
    flags = {
        name: {
            "key": name,
            "on": True,
            "salt": name,
            "variations": [True, False],
            "offVariation": 1,
            "fallthrough": {"variation": 1},
            "rules": [{"id": "wanted", "clauses": [clause], "rollout": halves}],
        }
        for name in FLAGS
    }
    file = Path(tempfile.mkdtemp()) / "flags.json"
    file.write_text(json.dumps({"flags": flags}))
    source = Files.new_data_source(paths=[str(file)])
    client = ldclient.LDClient(ldclient.Config("bench", update_processor_class=source, send_events=False))
    return Contender(
        "launchdarkly-server-sdk",
        lambda name, context: bool(client.variation(name, context, False)),
        lambda work: [
            (name, ldclient.Context.builder(each["user_id"]).set("tier", each["tier"]).build()) for name, each in work
        ],
    )
