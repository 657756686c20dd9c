"""The append-only record of every change."""

from django.db import models


class Entry(models.Model):
    """One change: who, what, why, before and after. Rows are inserted and, past retention, expired; never changed.

    The actor is kept as text beside the id: an entry outlives the person's account.
    """

    class Source(models.TextChoices):
        SERVICE = "service", "Console"
        TRIGGER = "trigger", "Around the console"

    at = models.DateTimeField(db_default=models.functions.Now())
    source = models.CharField(max_length=10, choices=Source, default=Source.SERVICE)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150)
    via = models.CharField(max_length=20)
    # What stood for the person: an API token's name, the shell's user. Triggers insert rows too.
    credential = models.CharField(max_length=100, blank=True, db_default="")
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=200)
    target_label = models.CharField(max_length=300)
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_entry_by_target"),
            models.Index(fields=["actor", "-id"], name="audit_entry_by_actor"),
            models.Index(fields=["at"], name="audit_entry_at"),
        ]
