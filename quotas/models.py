"""What may be used: resources, tier policies, overrides. What is used: the runtime tables that backends move."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from ops_client.quotas.decide import LARGEST_LIMIT
from ops_console.contract.bounds import counted
from quotas import words

LIMIT_HELP = "A whole number; 0 lets nothing through."
# When an override ends, never NULL: one without an expiry sorts last. Literal, so that queries match the index on it.
ENDS_AT = models.Func(
    models.F("expires_at"),
    template="COALESCE(%(expressions)s, '9999-01-01 00:00:00+00'::timestamptz)",
    output_field=models.DateTimeField(),
)


def _limit_range(field: str, name: str) -> models.CheckConstraint:
    in_range = models.Q(**{f"{field}__gte": 0, f"{field}__lte": LARGEST_LIMIT})
    return models.CheckConstraint(name=name, condition=models.Q(**{f"{field}__isnull": True}) | in_range)


class Resource(models.Model):
    """Something that is limited. Its name is what backends call it by, and never changes."""

    class Kind(models.TextChoices):
        RATE = "rate", "Rate: so many in any window"
        CONCURRENCY = "concurrency", "Concurrency: so many at once"
        STORAGE = "storage", "Storage: a level"
        ALLOWANCE = "allowance", "Allowance: so many a calendar period"

    class Period(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        YEAR = "year", "Year"

    class FailurePolicy(models.TextChoices):
        OPEN = "open", "Open: let it through"
        CLOSED = "closed", "Closed: refuse it"
        LOCAL = "local", "Local: each process counts for itself"

    name = models.SlugField(max_length=63, primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    title = models.CharField(max_length=100)
    unit = models.CharField(max_length=20, help_text="What is counted: calls, bytes, episodes.")
    window_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="Of a rate: any this many seconds.")
    period = models.CharField(max_length=5, choices=Period, blank=True, help_text="Of an allowance.")
    timezone = models.CharField(max_length=63, default="UTC", help_text="Where an allowance's period begins.")
    ttl_seconds = models.PositiveIntegerField(
        default=300, help_text="A slot or reservation that nobody keeps alive comes back after this long."
    )
    default_limit = models.BigIntegerField(null=True, blank=True, help_text=f"For tiers without a policy. {LIMIT_HELP}")
    allow_unlimited = models.BooleanField(default=False, help_text="Tiers and overrides may have no limit at all.")
    shadow = models.BooleanField(default=False, help_text="Decide and record, but refuse nobody.")
    cost = models.BigIntegerField(
        default=1, db_default=1, help_text="What one call takes where the backend does not say. A whole number from 1."
    )
    warn_percent = models.PositiveSmallIntegerField(
        default=80, db_default=80, help_text="From this share of the limit on, a user is near it."
    )
    nearly_percent = models.PositiveSmallIntegerField(
        default=95, db_default=95, help_text="From this share on, it is nearly used up."
    )
    failure_policy = models.CharField(
        max_length=6,
        choices=FailurePolicy,
        default=FailurePolicy.OPEN,
        help_text="What a backend does while the database cannot answer.",
    )
    deadline_ms = models.PositiveIntegerField(
        default=2000, db_default=2000, help_text="A database that has not answered within this is away for the call."
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["name"]
        constraints = [
            _limit_range("default_limit", "quotas_resource_default_limit_range"),
            models.CheckConstraint(
                name="quotas_resource_rate_has_window",
                condition=models.Q(kind="rate", window_seconds__gte=1) | (~models.Q(kind="rate")),
            ),
            models.CheckConstraint(
                name="quotas_resource_allowance_has_period",
                condition=~models.Q(kind="allowance") | models.Q(period__in=["day", "week", "month", "year"]),
            ),
            models.CheckConstraint(
                name="quotas_resource_local_is_for_rates",
                condition=~models.Q(failure_policy="local") | models.Q(kind="rate"),
            ),
            models.CheckConstraint(
                name="quotas_resource_cost_range", condition=models.Q(cost__gte=1, cost__lte=LARGEST_LIMIT)
            ),
            models.CheckConstraint(
                name="quotas_resource_warns_in_order",
                condition=models.Q(
                    warn_percent__gte=1, warn_percent__lte=models.F("nearly_percent"), nearly_percent__lte=100
                ),
            ),
            models.CheckConstraint(
                name="quotas_resource_deadline_range", condition=models.Q(deadline_ms__gte=10, deadline_ms__lte=60_000)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """What a tier may use of a resource; `limit` None is no limit.

    `trial_limit` is a limit on trial beside it: whoever is over it is recorded as refused in shadow, and let through.
    """

    resource = models.ForeignKey(Resource, models.CASCADE, db_column="resource", related_name="policies")
    tier = models.CharField(max_length=50)
    limit = models.BigIntegerField(null=True, blank=True, help_text=f"{LIMIT_HELP} Empty: no limit.")
    trial_limit = models.BigIntegerField(null=True, blank=True, help_text="Recorded, not enforced. Empty: none.")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["tier", "resource"]
        constraints = [
            models.UniqueConstraint(fields=["resource", "tier"], name="quotas_policy_one_a_tier"),
            _limit_range("limit", "quotas_policy_limit_range"),
            _limit_range("trial_limit", "quotas_policy_trial_limit_range"),
        ]

    def __str__(self) -> str:
        return f"{self.tier}: {self.resource_id}"


class Override(models.Model):
    """One user's own limit. It is in force until `expires_at`, to the second; an ended one is history."""

    class Ended(models.TextChoices):
        EXPIRED = "expired", "Expired"
        REMOVED = "removed", "Removed"

    resource = models.ForeignKey(Resource, models.CASCADE, db_column="resource", related_name="overrides")
    user_id = models.CharField(max_length=200)
    limit = models.BigIntegerField(null=True, blank=True, help_text=f"{LIMIT_HELP} Empty: no limit.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: for good.")
    reason = models.TextField(max_length=500)
    created_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    version = models.PositiveIntegerField(default=1)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended = models.CharField(max_length=8, choices=Ended, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "user_id"],
                condition=models.Q(ended_at__isnull=True),
                name="quotas_override_one_in_force",
            ),
            _limit_range("limit", "quotas_override_limit_range"),
        ]
        indexes = [
            models.Index(fields=["user_id", "-id"], name="quotas_override_of_user"),
            models.Index(ENDS_AT, "id", condition=models.Q(ended_at__isnull=True), name="quotas_override_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.resource_id}"

    @property
    def limit_words(self) -> str:
        return words.amount(self.resource.unit, self.limit)


class Usage(models.Model):
    """Base of the runtime tables: a row a user and resource, moved by backends through ops_v1 alone.

    The resource is its name without a foreign key: a check of one on every call would cost more than the call.
    """

    pk = models.CompositePrimaryKey("resource", "user_id")
    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200)

    class Meta:
        abstract = True


class Ring(Usage):
    """A rate's buckets, oldest first; `newest` is the last one's number since the epoch. UNLOGGED."""

    window_seconds = models.IntegerField()
    newest = models.BigIntegerField()
    counts = ArrayField(models.BigIntegerField())


class Level(Usage):
    """What a user has stored and committed. `changed_at` and `measured_at` NULL: not since they are kept."""

    used = models.BigIntegerField(db_default=0)
    changed_at = models.DateTimeField(null=True)
    measured_at = models.DateTimeField(null=True)


class Counter(Usage):
    """What a user has had of an allowance in the period that began at `period_start`."""

    period_start = models.DateTimeField()
    used = models.BigIntegerField()


class Reservation(models.Model):
    """Room that is held for something being stored; void after `expires_at`."""

    id = models.UUIDField(primary_key=True)
    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200)
    amount = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["resource", "user_id"], name="quotas_reservation_of_user"),
            models.Index(fields=["expires_at"], name="quotas_reservation_expires"),
        ]


class Slot(models.Model):
    """One of the places of a concurrency limit; free when nobody holds it or its holder's time is over."""

    pk = models.CompositePrimaryKey("resource", "user_id", "number")
    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200)
    number = models.IntegerField()
    holder = models.UUIDField(null=True)
    service = models.CharField(max_length=100, db_default="")
    taken_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["holder"], condition=models.Q(holder__isnull=False), name="quotas_slot_by_holder")
        ]


class Refusal(models.Model):
    """Why somebody was limited: one row for like refusals of ten minutes, `first_at` to `at`, with the last one's call.

    The contract keeps 200 rows a user and 200,000 in all at any time.
    """

    first_at = models.DateTimeField(db_default=Now())
    at = models.DateTimeField(db_default=Now())
    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200)
    service = models.CharField(max_length=100, db_default="")
    route = models.CharField(max_length=300, db_default="")
    key = models.CharField(max_length=200, db_default="")
    client = models.CharField(max_length=200, db_default="")
    request_id = models.CharField(max_length=64, db_default="")
    limit = models.BigIntegerField(null=True)
    source = models.CharField(max_length=10)
    policy = models.CharField(max_length=100)
    shadow = models.BooleanField(db_default=False)
    count = models.PositiveIntegerField(db_default=1)

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "-id"], name="quotas_refusal_of_user"),
            models.Index(
                fields=["at"], include=["user_id", "resource", "shadow", "count"], name="quotas_refusal_by_time"
            ),
            models.Index(fields=["request_id"], name="quotas_refusal_by_request"),
        ]


class Failure(models.Model):
    """Decisions that a backend made without the database, an hour in a row; `late` of them after a deadline."""

    pk = models.CompositePrimaryKey("resource", "hour", "service", "failure_policy")
    resource = models.CharField(max_length=63)
    hour = models.DateTimeField()
    service = models.CharField(max_length=100)
    failure_policy = models.CharField(max_length=6)
    count = models.BigIntegerField()
    late = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [counted("quotas_failure_counted", "count", "late")]


class Peak(models.Model):
    """The most that a user had used of a resource in an hour, refused attempts included, and what was in force then."""

    pk = models.CompositePrimaryKey("resource", "user_id", "hour")
    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200)
    hour = models.DateTimeField()
    tier = models.CharField(max_length=50, db_default="")
    source = models.CharField(max_length=10)
    limit = models.BigIntegerField(null=True)
    peak = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["hour"], name="quotas_peak_hour"),
            models.Index(fields=["user_id", "hour"], name="quotas_peak_of_user"),
        ]


class Recount(models.Model):
    """A wish that a backend measure what is really stored: of one user, or of everybody where `user_id` is empty."""

    resource = models.CharField(max_length=63)
    user_id = models.CharField(max_length=200, blank=True)
    correct = models.BooleanField(default=False)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField(db_default=Now())
    holder = models.UUIDField(null=True)
    started_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    measured = models.IntegerField(db_default=0)
    drifted = models.IntegerField(db_default=0)
    skipped = models.IntegerField(db_default=0)
    error = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "user_id"],
                condition=models.Q(finished_at__isnull=True),
                name="quotas_recount_one_open",
            )
        ]
        indexes = [models.Index(fields=["finished_at"], name="quotas_recount_finished")]


class Drift(Usage):
    """A level that is not what was measured, as of the last measuring. It goes when it is corrected, or right again."""

    used = models.BigIntegerField()
    measured = models.BigIntegerField()
    measured_at = models.DateTimeField(db_default=Now())
