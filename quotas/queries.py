"""Every read of the quota pages. Limits in force come from the contract's own function: what a backend would get."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import ExpressionWrapper, F, FloatField, Max, Q, QuerySet, Sum
from django.utils import timezone

from ops_client.quotas.usage import Usage, usage_of
from ops_console import directory
from ops_console.directory import DirectoryUnavailable, Person
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset, Page
from quotas import words
from quotas.models import ENDS_AT, Failure, Override, Peak, Policy, Refusal, Resource

_USAGE = """
SELECT u.user_id, q.* FROM unnest(%s::text[], %s::text[]) u(user_id, tier),
    LATERAL ops.quota_usage_at(u.user_id, u.tier, clock_timestamp()) q
ORDER BY q.resource
"""
ENDS_FIRST = Keyset(Key("ends_at", "time"), Key("id", "int"), size=50)
# Keys that an override never changes: no row is left out of an export while others are edited.
_BY_USER = Keyset(Key("resource_id"), Key("user_id"))
_NEWEST_FIRST = Keyset(Key("id", "int", descending=True), size=20)
_WHOSE = ("user_id", "resource", "shadow")
SHOWN_REFUSALS = 20
SHOWN_NEAR = 12
NEAR = 0.8
NEAR_HOURS = 3


@dataclass(frozen=True)
class Limit:
    """One resource of one user: what is in force and used, and the override behind it, if there is one."""

    resource: Resource
    usage: Usage
    override: Override | None

    @property
    def limit_words(self) -> str:
        return words.amount(self.usage.unit, self.usage.limit)

    @property
    def used_words(self) -> str:
        return words.used(self.usage.unit, self.usage.used)

    @property
    def bar_words(self) -> str:
        """`12 of 600`, `1.2 GB of 2.5 GB`: beside a bar that has a limit."""
        return f"{self.used_words} of {words.used(self.usage.unit, self.usage.limit or 0)}"

    @property
    def soft_rates(self) -> str:
        """The shares from which on a user is warned, as the bar takes them."""
        return ",".join(str(rate) for rate in self.usage.warn_rates)

    @property
    def span_words(self) -> str:
        return words.span(self.usage.kind, self.usage.window_seconds, self.resource.period)

    @property
    def is_over(self) -> bool:
        """Whether more is used than the limit: it was lowered since, or what is stored came round it."""
        return self.usage.limit is not None and self.usage.used > self.usage.limit

    @property
    def counts_over_time(self) -> bool:
        """Whether what was used can be forgotten: places and storage hold what is really there."""
        return self.resource.kind in (Resource.Kind.RATE, Resource.Kind.ALLOWANCE)

    @property
    def source_words(self) -> str:
        return words.source(self.usage.source, self.usage.policy)


@dataclass(frozen=True)
class Limited:
    """A user with all their limits."""

    person: Person
    limits: list[Limit]


@dataclass(frozen=True)
class Refused:
    """Who was refused what lately, and how often. `person` None: no user of the directory, such as an address."""

    user_id: str
    person: Person | None
    resource: str
    shadow: bool
    times: int
    last_at: datetime


@dataclass(frozen=True)
class Explained:
    """A refusal, with what people would say of it. `unit` is the resource's."""

    refusal: Refusal
    unit: str

    @property
    def limit_words(self) -> str:
        return words.amount(self.unit, self.refusal.limit)

    @property
    def source_words(self) -> str:
        return words.source(self.refusal.source, self.refusal.policy)

    @property
    def sentence(self) -> str:
        return words.refusal_sentence(self.refusal, self.unit)

    @property
    def is_tight_loop(self) -> bool:
        return words.is_tight_loop(self.refusal)


@dataclass(frozen=True)
class Near:
    """Somebody whose use came near their limit, or over it."""

    peak: Peak
    person: Person | None
    resource: Resource

    @property
    def bar_words(self) -> str:
        unit = self.resource.unit
        return f"{words.used(unit, self.peak.peak)} of {words.amount(unit, self.peak.limit)}"


@dataclass(frozen=True)
class Cell:
    """What a tier has of a resource; `policy` None: the default."""

    resource: Resource
    policy: Policy | None

    @property
    def limit(self) -> int | None:
        """The limit in force; None is no limit."""
        if self.policy:
            return self.policy.limit
        default = self.resource.default_limit
        return 0 if default is None and not self.resource.allow_unlimited else default

    @property
    def limit_words(self) -> str:
        if self.policy is None and self.resource.default_limit is None:
            return "no limit" if self.resource.allow_unlimited else "nothing"
        return words.amount(self.resource.unit, self.limit)

    @property
    def trial_words(self) -> str:
        """The limit on trial beside it, or nothing."""
        trial = self.policy.trial_limit if self.policy else None
        return "" if trial is None else words.amount(self.resource.unit, trial)


@dataclass(frozen=True)
class TierRow:
    """A tier with its limit of each resource. `in_directory`: whether a user may have it."""

    tier: str
    cells: list[Cell]
    in_directory: bool


@dataclass(frozen=True)
class Matrix:
    """All tiers; `problem` says why the directory's own could not be read."""

    resources: list[Resource]
    rows: list[TierRow]
    problem: str


def limited(people: Iterable[Person]) -> list[Limited]:
    """These users with their limits, in two queries however many they are."""
    people = list(people)
    resources = Resource.objects.in_bulk()
    own = holding(Q(user_id__in=[person.id for person in people]))
    overrides = {(each.user_id, each.resource_id): each for each in own}
    found: dict[str, list[Limit]] = {person.id: [] for person in people}
    for row in _usage_rows(people):
        key = (row["user_id"], row["resource"])
        if row["resource"] in resources:
            found[key[0]].append(Limit(resources[row["resource"]], usage_of(row), overrides.get(key)))
    return [Limited(person, found[person.id]) for person in people]


def holding(condition: Q | None = None) -> QuerySet[Override]:
    """Overrides in force."""
    found = Override.objects.annotate(ends_at=ENDS_AT).filter(ended_at=None, ends_at__gt=timezone.now())
    return found.filter(condition) if condition else found


def ending_next(count: int) -> list[Override]:
    """The overrides in force that end first, those without an expiry last."""
    return list(holding().order_by(ENDS_AT, "id")[:count])


def resource(name: str) -> Resource:
    """One resource. Raises NotFound."""
    found = Resource.objects.filter(pk=name).first()
    if found is None:
        raise NotFound(f"There is no resource named {name[:63]!r}.")
    return found


def override_version(person: Person, resource_name: str) -> int:
    """The version of a user's override in force, 0 where there is none."""
    found = holding(Q(user_id=person.id, resource=resource_name)).values_list("version", flat=True).first()
    return found or 0


def policy_version(tier: str, resource_name: str) -> int:
    """The version of a tier's policy, 0 where there is none."""
    found = Policy.objects.filter(tier=tier, resource=resource_name).values_list("version", flat=True).first()
    return found or 0


def overrides_page(cursor: str) -> Page[tuple[Override, Person | None]]:
    """One page of the overrides in force with their users, those that end first at the top; two queries.

    Raises InvalidInput for a cursor that is not ours.
    """
    found = ENDS_FIRST.page(holding().select_related("resource"), cursor)
    return Page(_with_people(found.rows), found.next, found.previous)


def every_override() -> Iterator[tuple[Override, Person | None]]:
    """All overrides in force with their users, by resource and user; read in batches."""
    resources = Resource.objects.in_bulk()
    for overrides in _BY_USER.batches(holding()):
        for override in overrides:  # cheaper than a join that makes a resource of every row
            if override.resource_id in resources:
                override.resource = resources[override.resource_id]
        yield from _with_people(overrides)


def past_overrides(user_id: str, cursor: str = "") -> Page[Override]:
    """One page of what a user had before, the newest first; an override is past from its expiry on."""
    ran_out = Q(ended_at=None, expires_at__lte=timezone.now())
    past = Override.objects.filter(ran_out | Q(ended_at__isnull=False), user_id=user_id)
    return _NEWEST_FIRST.page(past.select_related("resource"), cursor)


def units() -> dict[str, str]:
    """The unit of every resource, by its name."""
    return dict(Resource.objects.values_list("name", "unit"))


def refusals_of(user_id: str) -> list[Explained]:
    """The user's last refusals; two queries."""
    known = units()
    rows = Refusal.objects.filter(user_id=user_id).order_by("-id")[:SHOWN_REFUSALS]
    return [Explained(each, known.get(each.resource, "")) for each in rows]


def refused_lately(hours: int = 24) -> list[Refused]:
    """Users and addresses that were refused most."""
    since = timezone.now() - timedelta(hours=hours)
    rows = Refusal.objects.filter(at__gte=since).values(*_WHOSE)
    rows = rows.annotate(times=Sum("count"), last_at=Max("at")).order_by("-times")[:10]
    people = directory.get_many(row["user_id"] for row in rows)
    return [
        Refused(person=people.get(row["user_id"]), **{name: row[name] for name in (*_WHOSE, "times", "last_at")})
        for row in rows
    ]


def near_or_over(hours: int = NEAR_HOURS) -> list[Near]:
    """Users whose use came to 80 % of their limit in the last hours, those furthest over it first; three queries."""
    since = timezone.now() - timedelta(hours=hours)
    share = ExpressionWrapper(F("peak") * 1.0 / F("limit"), FloatField())
    rows = Peak.objects.filter(hour__gte=since, limit__gt=0).annotate(share=share).filter(share__gte=NEAR)
    top = list(rows.order_by("-share", "-hour")[: SHOWN_NEAR * 4])
    first = list({(each.user_id, each.resource): each for each in reversed(top)}.values())[::-1][:SHOWN_NEAR]
    people = directory.get_many(each.user_id for each in first)
    resources = Resource.objects.in_bulk([each.resource for each in first])
    return [
        Near(each, people.get(each.user_id), resources[each.resource]) for each in first if each.resource in resources
    ]


def matrix() -> Matrix:
    """The limit of each tier and resource: tiers with a policy in the order of their first, then the directory's."""
    resources = list(Resource.objects.all())
    policies = {(each.tier, each.resource_id): each for each in Policy.objects.order_by("id")}
    try:
        known, problem = directory.tiers(), ""
    except DirectoryUnavailable as error:
        known, problem = [], error.message
    rows = [
        TierRow(tier, [Cell(each, policies.get((tier, each.name))) for each in resources], tier in known)
        for tier in dict.fromkeys([*(tier for tier, _ in policies), *known])
    ]
    return Matrix(resources, rows, problem)


def recent_counts(hours: int = 24) -> dict[str, dict[str, int]]:
    """By resource: how often it refused, and how often it was answered without the database."""
    since = timezone.now() - timedelta(hours=hours)
    refused = Refusal.objects.filter(at__gte=since).values("resource").annotate(times=Sum("count"))
    alone = Failure.objects.filter(hour__gte=since).values("resource").annotate(times=Sum("count"))
    return {
        "refused": {row["resource"]: row["times"] for row in refused},
        "alone": {row["resource"]: row["times"] for row in alone},
    }


def _with_people(overrides: list[Override]) -> list[tuple[Override, Person | None]]:
    people = directory.get_many(each.user_id for each in overrides)
    return [(each, people.get(each.user_id)) for each in overrides]


def _usage_rows(people: list[Person]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, [[p.id for p in people], [p.tier for p in people]])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
