"""The contract's own tables: the revision of the configuration, who follows it, and who was granted it."""

from typing import Any

from django.db import models

from ops_console.contract.bounds import counted


class ConfigChange(models.Model):
    """What a transaction changed of the configuration; or the sum of such rows (contract/v1/10_revision.sql)."""

    pk = models.CompositePrimaryKey("xid", "topic")
    xid = models.BigIntegerField()
    topic = models.CharField(max_length=30)
    n = models.BigIntegerField()
    token = models.BigIntegerField()
    changed_at = models.DateTimeField()
    # When the console saw the row committed.
    seen_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "config_change"


class Revision(models.Model):
    """The one row of the contract's view: the sum of all changes of configuration."""

    revision = models.BigIntegerField(primary_key=True)
    token = models.BigIntegerField()
    changed_at = models.DateTimeField()
    settled_revision = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = '"ops_v1"."revision"'


class Instance(models.Model):
    """A process that follows the configuration, as it last reported itself. Its state is in `standing.state`."""

    class EndedAs(models.TextChoices):
        CLOSED = "closed", "Closed"
        CRASHED = "crashed", "Crashed"

    id = models.UUIDField(primary_key=True)
    service = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, default="backend")
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    version = models.CharField(max_length=50, blank=True, db_default="")
    client_version = models.CharField(max_length=50)
    contract = models.CharField(max_length=10)
    revision = models.BigIntegerField(null=True)
    token = models.BigIntegerField(null=True)
    snapshot_source = models.CharField(max_length=20, db_default="")
    problems = models.JSONField(db_default=models.Value([], models.JSONField()))
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    # The OPS_FLAG_* variables of the process, and what it had to drop because it could not be sent.
    flag_defaults = models.JSONField(db_default=models.Value({}, models.JSONField()))
    dropped = models.JSONField(db_default=models.Value({}, models.JSONField()))
    # When and how it said that it ends. `has_session`: its listening session held the lock that proves a crash.
    ended_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=10, choices=EndedAs, blank=True, db_default="")
    has_session = models.BooleanField(db_default=False)

    class Meta:
        constraints = [counted("contract_instance_counted", "revision", "pid")]


class InstanceState(models.Model):
    """The state of a process as the contract's view defines it (contract/v1/20_instances.sql)."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        ENDED = "ended", "Ended"
        CRASHED = "crashed", "Crashed"
        SILENT = "silent", "Silent"

    instance = models.OneToOneField(
        Instance, models.DO_NOTHING, primary_key=True, db_column="id", related_name="standing"
    )
    state = models.CharField(max_length=10, choices=State)

    class Meta:
        managed = False
        db_table = '"ops_v1"."instance"'


class Process(models.Model):
    """A process as the console shows it: a view over its last report (contract/v1/20_instances.sql)."""

    id = models.UUIDField(primary_key=True)
    service = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    version = models.CharField(max_length=50)
    client_version = models.CharField(max_length=50)
    contract = models.CharField(max_length=10)
    revision = models.BigIntegerField(null=True)
    snapshot_source = models.CharField(max_length=20)
    problems = models.JSONField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=InstanceState.State)
    lag = models.BigIntegerField(null=True)
    behind = models.BooleanField()
    replaced = models.BooleanField()
    dropped = models.JSONField()
    applied = models.BooleanField()

    class Meta:
        managed = False
        db_table = '"ops"."process"'

    @property
    def is_lost(self) -> bool:
        """It crashed or fell silent."""
        return self.state in (InstanceState.State.CRASHED, InstanceState.State.SILENT)

    @property
    def listed_problems(self) -> list[dict[str, Any]]:
        """The problems that it reports; a backend's role can write any JSON there."""
        listed = self.problems if isinstance(self.problems, list) else []
        return [problem for problem in listed if isinstance(problem, dict)]

    @property
    def listed_dropped(self) -> list[tuple[str, int]]:
        """What it reports as not stored, by kind, at most 20 kinds; checked as the problems are."""
        listed = self.dropped if isinstance(self.dropped, dict) else {}
        return [(kind, count) for kind, count in listed.items() if isinstance(count, int)][:20]


class Grantee(models.Model):
    """A database role that the contract was granted to: granted again after every migrate."""

    class Kind(models.TextChoices):
        BACKEND = "backend", "Backend"
        CONSOLE = "console", "Console"
        FOREIGN = "foreign", "The console, for the backend's tables"

    role = models.CharField(max_length=63, primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    granted_at = models.DateTimeField(db_default=models.functions.Now())
