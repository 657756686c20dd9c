"""Feature flags: waffle's storage, with a percentage in steps of 0.01 and a version for concurrent edits."""

from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import HttpRequest
from waffle.managers import FlagManager
from waffle.models import AbstractUserFlag

from flags import evaluation


class State(models.TextChoices):
    """What the switch and the confirmed act set. The switch goes between the first two only."""

    OFF = "off", "Off for everyone"
    RULES = "rules", "By its rules"
    ON = "on", "On for everyone"


EVERYONE = {State.OFF: False, State.RULES: None, State.ON: True}


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
    owner = models.CharField(max_length=150, blank=True, help_text="Person or team to ask about it.")
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

    def is_active(self, request: HttpRequest, read_only: bool = False) -> bool:
        """waffle's question, answered by the evaluator that backends use."""
        return evaluation.is_active(self.name, evaluation.context_of_request(request, self.name))

    def is_active_for_user(self, user: AbstractBaseUser | AnonymousUser) -> bool:
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
