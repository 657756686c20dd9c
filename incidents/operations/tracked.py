"""Operations that backends track themselves, through the contract's functions: each with its events.

Their version stands beside them, in `OperationMark`, as for every other source; `version` here is the one that the
holder began with, and the fencing token of whatever it writes.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

RUNNING = models.Q(status="running")


class TrackedKind(models.Model):
    """A kind of work that some backend tracks; registered by its first start."""

    kind = models.CharField(max_length=60, primary_key=True)
    # How long the heartbeat may be silent.
    dead_after_seconds = models.PositiveIntegerField(db_default=60)
    # What the newest start said; empty where it said nothing.
    providers = ArrayField(
        models.CharField(max_length=100), db_default=models.Value([], ArrayField(models.CharField()))
    )
    service = models.CharField(max_length=100, db_default="")
    registered_at = models.DateTimeField(db_default=Now())


class TrackedOperation(models.Model):
    """One piece of work; ids are unique among all kinds. `heartbeat_at` is its newest sign, from being queued on."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    operation_id = models.CharField(max_length=200, primary_key=True)
    kind = models.CharField(max_length=60)
    owner_id = models.CharField(max_length=200, db_default="")
    tier = models.CharField(max_length=60, db_default="")
    title = models.CharField(max_length=300, db_default="")
    status = models.CharField(max_length=10, choices=Status)
    version = models.PositiveIntegerField(db_default=0)
    attempt = models.PositiveIntegerField(db_default=0)
    payload = models.JSONField(db_default=models.Value({}, models.JSONField()))
    providers = ArrayField(
        models.CharField(max_length=100), db_default=models.Value([], ArrayField(models.CharField()))
    )
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(db_default=Now())
    expected_at = models.DateTimeField(null=True)
    # Alive past `expected_at`, as of the newest heartbeat: so that the slow ones are found by an index.
    is_slow = models.BooleanField(db_default=False)
    finished_at = models.DateTimeField(null=True)
    progress_rate = models.FloatField(null=True)
    progress_note = models.CharField(max_length=300, db_default="")
    # What is to be freed, in the order of its use: [{"uri": ..., "added_at": ...}].
    resources = models.JSONField(db_default=models.Value([], models.JSONField()))
    worker = models.CharField(max_length=200, db_default="")
    service = models.CharField(max_length=100, db_default="")
    error_type = models.CharField(max_length=200, db_default="")
    error_message = models.TextField(db_default="")
    error_place = models.CharField(max_length=300, db_default="")
    error_group = models.CharField(max_length=32, db_default="")
    # Why, when and by whom the console failed it.
    failure = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "heartbeat_at", "operation_id"], name="operations_tracked_running", condition=RUNNING
            ),
            models.Index(
                fields=["kind", "heartbeat_at", "operation_id"],
                name="operations_tracked_slow",
                condition=RUNNING & models.Q(is_slow=True),
            ),
            models.Index(
                fields=["kind", "heartbeat_at", "operation_id"],
                name="operations_tracked_queued",
                condition=models.Q(status="queued"),
            ),
            models.Index(
                fields=["kind", "heartbeat_at", "operation_id"],
                name="operations_tracked_failed",
                condition=models.Q(status="failed"),
            ),
            models.Index(
                fields=["kind", "error_group", "heartbeat_at", "operation_id"],
                name="operations_tracked_group",
                condition=models.Q(status="failed"),
            ),
            models.Index(
                fields=["kind", "worker", "heartbeat_at", "operation_id"],
                name="operations_tracked_worker",
                condition=~models.Q(status="succeeded"),
            ),
            models.Index(
                fields=["kind", "owner_id", "heartbeat_at", "operation_id"],
                name="operations_tracked_owner",
                condition=~models.Q(status="succeeded"),
            ),
            models.Index(fields=["finished_at"], name="operations_tracked_finished"),
        ]


class TrackedEvent(models.Model):
    """What happened to a tracked operation: queued, started, succeeded, failed, or a write that came too late."""

    kind = models.CharField(max_length=60)
    operation_id = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=10)
    attempt = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    worker = models.CharField(max_length=200, db_default="")
    detail = models.TextField(db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["kind", "operation_id", "-id"], name="operations_event_of"),
            models.Index(fields=["at"], name="operations_event_at"),
        ]
