"""Facts that several pages share: calls to providers by the minute, and the last run of each periodic task."""

from django.db import models
from django.db.models.functions import Now

from ops_console.contract.bounds import counted


class ProviderMinute(models.Model):
    """Calls of one service to one provider within one minute, added up by every process. Raises no revision.

    `attempts` reached the provider; `final_calls` are what its users asked for, after retries and fallbacks.
    """

    pk = models.CompositePrimaryKey("provider", "minute_at", "service")
    provider = models.CharField(max_length=100)
    minute_at = models.DateTimeField()
    service = models.CharField(max_length=100)
    attempts = models.BigIntegerField(db_default=0)
    failures = models.BigIntegerField(db_default=0)
    slow = models.BigIntegerField(db_default=0)
    final_calls = models.BigIntegerField(db_default=0)
    final_failures = models.BigIntegerField(db_default=0)
    refused = models.BigIntegerField(db_default=0)

    class Meta:
        indexes = [models.Index(fields=["minute_at"], name="telemetry_provider_minute_at")]
        constraints = [
            counted(
                "telemetry_minute_counted",
                "attempts", "failures", "slow", "final_calls", "final_failures", "refused",
            )
        ]  # fmt: skip


class TaskRun(models.Model):
    """The last run of a periodic task: one row per task, also of one that never ran."""

    name = models.CharField(max_length=200, primary_key=True)
    expected_since = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    duration_seconds = models.FloatField(null=True)
    error = models.CharField(max_length=500, blank=True, db_default="")
