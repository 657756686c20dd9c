"""Breakers as the whole fleet shares them, what operators laid over them, and what each process sees."""

from django.db import models
from django.db.models.functions import Now

from ops_console.contract.bounds import counted


class Status(models.TextChoices):
    CLOSED = "closed", "Closed"
    OPEN = "open", "Open"
    HALF_OPEN = "half_open", "Half-open"


class Mode(models.TextChoices):
    FORCE_OPEN = "force_open", "Force open"
    FORCE_CLOSED = "force_closed", "Force closed"
    DISABLED = "disabled", "Disable"


class Breaker(models.Model):
    """The shared state of one provider's breaker. Only the contract's functions move it, by compare-and-set on
    `epoch`; every move begins a new epoch. Times are the database's.
    """

    name = models.CharField(max_length=100, primary_key=True)
    config = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, db_default=Status.CLOSED)
    epoch = models.BigIntegerField(db_default=0)
    since = models.DateTimeField(db_default=Now())
    cause = models.CharField(max_length=300, blank=True, db_default="")
    probe_holder = models.UUIDField(null=True)
    probe_until = models.DateTimeField(null=True)
    registered_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(name="breakers_breaker_status_known", condition=models.Q(status__in=Status.values)),
            models.CheckConstraint(
                name="breakers_breaker_probe_has_lease",
                condition=models.Q(status=Status.HALF_OPEN, probe_holder__isnull=False, probe_until__isnull=False)
                | (~models.Q(status=Status.HALF_OPEN) & models.Q(probe_holder__isnull=True, probe_until__isnull=True)),
            ),
        ]


class Override(models.Model):
    """What operators ordered last. The row stays when it is taken back (`mode` empty), and so does its version."""

    # The database's own audit trigger knows a row by its column `name`.
    breaker = models.OneToOneField(Breaker, models.CASCADE, primary_key=True, related_name="override", db_column="name")
    mode = models.CharField(max_length=12, choices=Mode, blank=True)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=150)
    set_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="breakers_override_complete",
                condition=models.Q(mode="", expires_at__isnull=True)
                | (models.Q(mode__in=Mode.values, expires_at__isnull=False) & ~models.Q(reason="")),
            ),
        ]


class Transition(models.Model):
    """One move of the shared state: who saw what."""

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="transitions")
    at = models.DateTimeField(db_default=Now())
    from_status = models.CharField(max_length=10, choices=Status)
    to_status = models.CharField(max_length=10, choices=Status)
    epoch = models.BigIntegerField()
    cause = models.CharField(max_length=300)
    service = models.CharField(max_length=100)
    instance_id = models.UUIDField()

    class Meta:
        indexes = [
            models.Index(fields=["breaker", "-id"], name="breakers_transition_latest"),
            models.Index(fields=["at"], name="breakers_transition_at"),
        ]


class Report(models.Model):
    """How one process sees a provider by itself. Written every few seconds; raises no revision."""

    pk = models.CompositePrimaryKey("breaker_id", "instance_id")
    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="reports", db_index=False)
    instance_id = models.UUIDField()
    status = models.CharField(max_length=10, choices=Status)
    epoch = models.BigIntegerField(help_text="The shared epoch that the process had applied.")
    calls = models.IntegerField()
    failures = models.IntegerField()
    slow = models.IntegerField()
    reported_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["instance_id"], name="breakers_report_by_instance"),
            models.Index(fields=["breaker"], name="breakers_report_not_closed", condition=~models.Q(status="closed")),
        ]
        constraints = [counted("breakers_report_counted", "epoch", "calls", "failures", "slow")]
