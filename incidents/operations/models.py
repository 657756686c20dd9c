"""What the console keeps of operations: marks beside foreign rows, actions in frozen chunks, and the outbox."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from incidents.operations.tracked import TrackedEvent, TrackedKind, TrackedOperation

__all__ = [
    "Action",
    "Chunk",
    "Command",
    "OperationMark",
    "Outcome",
    "TrackedEvent",
    "TrackedKind",
    "TrackedOperation",
    "Verb",
]
# Statuses that `OperationMark.status_before` cannot hold as they are; no backend has a status with this character.
WAS_NULL = "\x01null"
WAS_EMPTY = "\x01empty"


class Verb(models.TextChoices):
    """What an operator does to an operation."""

    RETRY = "retry", "Retry"
    FAIL = "fail", "Fail"
    RESOLVE = "resolve", "Mark resolved"
    SNOOZE = "snooze", "Snooze"
    RELEASE = "release", "Release"
    FREE = "free", "Free resources"
    TAKE_BACK = "take_back", "Take back"


class OperationMark(models.Model):
    """What the console knows of one operation and its own row cannot hold.

    `version` is the fencing token: every command raises it, and whatever carries an older one comes too late.
    `handled_version` is the newest version that a backend has taken up or refused.
    """

    pk = models.CompositePrimaryKey("kind", "operation_id")
    kind = models.CharField(max_length=60)
    operation_id = models.CharField(max_length=200)
    version = models.PositiveIntegerField(db_default=0)
    attempts = models.PositiveIntegerField(db_default=0)
    handled_version = models.PositiveIntegerField(db_default=0)
    heartbeat_at = models.DateTimeField(null=True)
    last_command_at = models.DateTimeField(null=True)
    # Until then it is nobody's trouble, however silent.
    snoozed_until = models.DateTimeField(null=True)
    last_verb = models.CharField(max_length=10, db_default="")
    reason = models.TextField(db_default="")
    # Why the row itself could not take the reason, or why the backend refused the command.
    note = models.TextField(db_default="")
    # The status that a retry replaced, until a backend has taken the operation up: a refusal puts it back. Empty where
    # there is nothing to put back; WAS_NULL and WAS_EMPTY stand for these two statuses.
    status_before = models.CharField(max_length=60, db_default="")
    # The newest actions first; bounded, so that a row retried for ever does not grow.
    action_ids = ArrayField(models.BigIntegerField(), db_default=models.Value([], ArrayField(models.BigIntegerField())))

    class Meta:
        indexes = [
            models.Index(
                fields=["kind"],
                name="operations_mark_refused",
                condition=models.Q(handled_version=models.F("version")) & ~models.Q(status_before=""),
            ),
            # What is not stuck although its own row is old, and what was acted on lately.
            models.Index(
                fields=["kind", "last_command_at", "operation_id"],
                name="operations_mark_commanded",
                condition=models.Q(last_command_at__isnull=False),
            ),
            models.Index(
                fields=["kind", "heartbeat_at", "operation_id"],
                name="operations_mark_alive",
                condition=models.Q(heartbeat_at__isnull=False),
            ),
            models.Index(
                fields=["kind", "snoozed_until", "operation_id"],
                name="operations_mark_snoozed",
                condition=models.Q(snoozed_until__isnull=False),
            ),
        ]


class Action(models.Model):
    """An operator's intent on one or many operations. Nothing has changed before it is released."""

    class State(models.TextChoices):
        FREEZING = "freezing", "Being frozen"
        SCHEDULED = "scheduled", "Scheduled"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    # Something of it may still happen.
    OPEN = (State.FREEZING, State.SCHEDULED, State.RUNNING, State.PAUSED)

    kind = models.CharField(max_length=60)
    verb = models.CharField(max_length=10, choices=Verb)
    reason = models.TextField(blank=True)
    label = models.CharField(max_length=300)
    scope = models.JSONField()
    # 0 until it is frozen.
    total = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.SCHEDULED)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150)
    via = models.CharField(max_length=20)
    # What stood for the actor where they did not sign in: an API token's name, the shell's user.
    credential = models.CharField(max_length=150, blank=True, db_default="")
    # The first ten alone, and then a pause until a person has looked.
    canary = models.BooleanField(db_default=False)
    # Most operations a second; None is as fast as it goes.
    rate_per_second = models.FloatField(null=True)
    paced_at = models.DateTimeField(null=True)
    # Tell the users whose operations fail, and have the backend free what they leave behind.
    notifies = models.BooleanField(db_default=False)
    frees = models.BooleanField(db_default=False)
    snooze_until = models.DateTimeField(null=True)
    # Without a constraint: retention lets go of the older one first.
    takes_back = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="taken_back_by", db_constraint=False
    )
    created_at = models.DateTimeField(db_default=Now())
    release_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Why the last try to release a chunk failed; empty once one has worked again.
    problem = models.TextField(blank=True, db_default="")
    # What was done for the tables after a large one, or what their owner should do.
    upkeep = models.TextField(blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["release_at"],
                name="operations_action_open",
                condition=models.Q(state__in=["freezing", "scheduled", "running", "paused"]),
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Whether something of it may still happen."""
        return self.state in self.OPEN


class Chunk(models.Model):
    """Up to some 2,000 operations of an action with what was seen of each: released slice by slice."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    operation_ids = ArrayField(models.TextField())
    seen_statuses = ArrayField(models.TextField())
    seen_ages = ArrayField(models.DateTimeField())
    seen_versions = ArrayField(models.PositiveIntegerField())
    # What a taking back restores; of the other verbs' chunks nothing.
    statuses_before = ArrayField(models.TextField(), null=True)
    # How many of its operations have been released: a paced action goes through a chunk in slices.
    released = models.PositiveIntegerField(db_default=0)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    changed = models.PositiveIntegerField(default=0)
    finished_meanwhile = models.PositiveIntegerField(default=0)
    locked = models.PositiveIntegerField(default=0)
    ineligible = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="operations_chunk_number")]


class Outcome(models.Model):
    """An operation with which an action did not simply do what it was to do. The others need no row."""

    class Kind(models.TextChoices):
        FINISHED_MEANWHILE = "finished_meanwhile", "Finished meanwhile"
        LOCKED = "locked", "Locked"
        INELIGIBLE = "ineligible", "Ineligible"
        REFUSED = "refused", "Refused by the backend"

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="outcomes")
    operation_id = models.CharField(max_length=200)
    outcome = models.CharField(max_length=20, choices=Kind)
    detail = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "operation_id"], name="operations_outcome_once")]
        indexes = [models.Index(fields=["operation_id"], name="operations_outcome_of")]


class Command(models.Model):
    """A row of the outbox: what a backend is told to do with the operations of one chunk. At least once."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Dead letter"

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=60)
    verb = models.CharField(max_length=10, choices=Verb)
    reason = models.TextField(blank=True)
    operation_ids = ArrayField(models.TextField())
    versions = ArrayField(models.PositiveIntegerField())
    payloads = models.JSONField()
    state = models.CharField(max_length=10, choices=State, db_default=State.QUEUED)
    attempts = models.PositiveIntegerField(db_default=0)
    handled = models.PositiveIntegerField(db_default=0)
    refused = models.PositiveIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    # When it was first meant to go: what its age is counted from.
    due_at = models.DateTimeField(db_default=Now())
    available_at = models.DateTimeField(db_default=Now())
    leased_by = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(db_default="")
    # Leases in a row that ran out without progress: the processes that took it did not come back.
    lapses = models.PositiveIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["available_at", "id"],
                name="operations_command_queue",
                condition=models.Q(state="queued"),
            ),
            models.Index(fields=["id"], name="operations_command_dead", condition=models.Q(state="dead")),
        ]


class Handler(models.Model):
    """Commands (`kind.verb`) that some backend process has asked for, and when it last did."""

    name = models.CharField(max_length=80, primary_key=True)
    seen_at = models.DateTimeField(db_default=Now())


class UserNotice(models.Model):
    """One mail to a user about all of an action's operations that are theirs. Claimed before it is sent: never two."""

    class State(models.TextChoices):
        DUE = "due", "Due"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        WITHHELD = "withheld", "Withheld, since it was taken back"

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="notices")
    user_id = models.CharField(max_length=200)
    operations = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, db_default=State.DUE)
    claimed_at = models.DateTimeField(null=True)
    problem = models.TextField(db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "user_id"], name="operations_notice_once")]
        indexes = [
            models.Index(fields=["action"], name="operations_notice_due", condition=models.Q(state="due")),
        ]
