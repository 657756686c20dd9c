"""Feature flags: waffle's storage, with a percentage in steps of 0.01 and a version for concurrent edits."""

from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from waffle.managers import FlagManager
from waffle.models import AbstractUserFlag

from flags import evaluation
from ops_console.contract.bounds import counted


class State(models.TextChoices):
    """What the switch and the confirmed act set. The switch goes between the first two only."""

    OFF = "off", "Off for everyone"
    RULES = "rules", "By its rules"
    ON = "on", "On for everyone"


EVERYONE = {State.OFF: False, State.RULES: None, State.ON: True}
_EMPTY_LIST = models.Value([], models.JSONField())


class Kind(models.TextChoices):
    """What a flag is for, and so how long it should live: releases and experiments end, the others may stay."""

    RELEASE = "release", "Release"
    EXPERIMENT = "experiment", "Experiment"
    OPS = "ops", "Operations"
    PERMISSION = "permission", "Permission"


class Flag(AbstractUserFlag):
    """A flag as operators keep it. Whether it is on is decided by ops_client's evaluator, here as in backends.

    `everyone` False is off for everyone, True on for everyone, None by the flag's rules.
    """

    # waffle keeps one decimal below 100; ours takes 0.00 to 100.00.
    percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Percentage of users, 0.00 to 100.00, for whom the flag is on.",
    )
    # waffle's roll-out mode remembers a random draw in a cookie; ours is a hash and needs no memory.
    rollout: Any = None
    superusers = models.BooleanField(default=False, help_text="Flag on for superusers.")
    rules = models.JSONField(default=list, blank=True, help_text="Further rules; the flag is on if any matches.")
    variants = models.JSONField(
        default=list,
        db_default=_EMPTY_LIST,
        blank=True,
        help_text='What those who are in get: [{"name": "blue", "weight": 500}]; weights are relative.',
    )
    prerequisites = models.JSONField(
        default=list,
        db_default=_EMPTY_LIST,
        blank=True,
        help_text='All must hold: [{"flag": "parent", "state": "on"}], or with "variants" of the parent.',
    )
    on_at = models.DateTimeField(null=True, blank=True, help_text="Off before this moment, UTC.")
    off_at = models.DateTimeField(null=True, blank=True, help_text="Off from this moment on, UTC.")
    owner = models.CharField(max_length=150, blank=True, help_text="Person or team to ask about it.")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.RELEASE, db_default=Kind.RELEASE)
    tags = models.JSONField(default=list, db_default=_EMPTY_LIST, blank=True, help_text='Short texts: ["player"].')
    protected = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A change asks for a reason and the typed name; turning off never does.",
    )
    permanent = models.BooleanField(
        default=False, db_default=False, help_text="Meant to stay: it is never called stale."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it should be gone from the code, UTC.")
    runbook_url = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[URLValidator(["http", "https"])],
        help_text="What to read before acting.",
    )
    version = models.PositiveIntegerField(default=1)
    archived_at = models.DateTimeField(null=True, blank=True)

    # waffle's manager finds flags by natural key; it is typed for waffle's own model.
    objects: ClassVar[models.Manager["Flag"]] = FlagManager()  # type: ignore[assignment]

    class Meta(AbstractUserFlag.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                name="flags_flag_percent_range",
                condition=models.Q(percent__isnull=True) | models.Q(percent__gte=0, percent__lte=100),
            ),
        ]

    @property
    def state(self) -> State:
        return next(state for state, everyone in EVERYONE.items() if everyone is self.everyone)

    @classmethod
    def get(cls, name: str) -> Self:
        """waffle's look-up. Without a query: the answer is read, whole, when it is asked for."""
        return cls(name=name)

    @cached_property
    def is_guarded(self) -> bool:
        """Whether a change is to be confirmed: the flag is protected, or one whose answer depends on it."""
        from flags.prerequisites import protected_dependents

        return self.protected or bool(protected_dependents(self.name))

    def is_active(self, request: HttpRequest | None, read_only: bool = False) -> bool:
        """waffle's question, answered by the evaluator that backends use."""
        return evaluation.is_active_in_request(self.name, request)

    def is_active_for_user(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """The same of a user. What this instance says of everyone counts, saved or not, as in waffle."""
        if self.everyone is not None and self.archived_at is None:
            return self.everyone
        return evaluation.is_active(self.name, evaluation.context_of_user(user))


class Segment(models.Model):
    """A named set of constraints that rules of many flags share. A rule that names one that is gone is off."""

    name = models.CharField(max_length=100, unique=True)
    note = models.TextField(blank=True, help_text="Who is meant.")
    constraints = models.JSONField(
        default=list, blank=True, help_text='All must hold: [{"field": "tier", "operator": "IN", "values": ["pro"]}].'
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Usage(models.Model):
    """How often a name was asked for in an hour: added to by backends, for undefined names too. See 30_flags.sql.

    `variant` is empty where none was chosen. `hour` and `last_at` are the database's time.
    """

    flag = models.TextField()
    hour = models.DateTimeField(db_index=True)
    service = models.TextField()
    variant = models.TextField(default="", db_default="")
    result = models.BooleanField()
    count = models.BigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            # Result before hour: "was it ever on lately" and "when was it last asked for" are one step each.
            models.UniqueConstraint(name="flags_usage_once", fields=["flag", "result", "hour", "service", "variant"]),
            counted("flags_usage_counted", "count"),
        ]


class EvaluationSpan(models.Model):
    """The first and the last hour in which a name was on, and off: what staleness asks of usage, a row a name.

    Kept by a trigger on usage (30_flags.sql), for names without a flag too; null: never. So a list of flags
    reads one row a name, however many rows usage has.
    """

    flag = models.OneToOneField(
        Flag,
        models.DO_NOTHING,
        to_field="name",
        db_column="flag",
        db_constraint=False,
        primary_key=True,
        related_name="span",
    )
    on_since = models.DateTimeField(null=True)
    on_until = models.DateTimeField(null=True)
    off_since = models.DateTimeField(null=True)
    off_until = models.DateTimeField(null=True)


class Presence(models.Model):
    """Who was seen by a backend and when: whom a preview counts. Only attributes that rules use are kept."""

    user_id = models.TextField(primary_key=True)
    seen_at = models.DateTimeField(db_index=True)
    service = models.TextField(default="", db_default="")
    attributes = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
