"""What the hourly sweep may do to each kind, and every run that it made."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Arming(models.Model):
    """Whether the sweep fails what is stuck of a kind, or only says what it would. Dry until an admin arms it.

    `most` is how many at once are still usual; None is counted from the runs before.
    """

    kind = models.CharField(max_length=60, primary_key=True)
    armed = models.BooleanField(default=False)
    most = models.PositiveIntegerField(null=True)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(db_default=Now())


class Run(models.Model):
    """One look at one kind. `dead` gave signs of life that ended, `suspected` have only an age to go by."""

    class Result(models.TextChoices):
        NOTHING = "nothing", "Nothing stuck"
        DRY_RUN = "dry_run", "Dry run"
        FAILED = "swept", "Swept"
        MASS_STOP = "mass_stop", "Mass stop"

    kind = models.CharField(max_length=60)
    started_at = models.DateTimeField(db_default=Now())
    result = models.CharField(max_length=10, choices=Result)
    dead = models.PositiveIntegerField()
    suspected = models.PositiveIntegerField()
    most = models.PositiveIntegerField()
    detail = models.TextField(blank=True)
    # The action that it began; kept as a number, since retention lets go of actions first.
    action_id = models.BigIntegerField(null=True)
    # A few of them, to recognise the run by.
    first_ids = ArrayField(models.TextField(), default=list)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="sweep_run_of_kind")]

    @property
    def found(self) -> int:
        return self.dead + self.suspected
