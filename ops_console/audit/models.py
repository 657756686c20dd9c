"""The append-only record of every change."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from ops_console.audit.words import action_in_words

# Until the owner of the schema changes its row of Retention; entries younger than 90 days never leave.
RETENTION_DAYS = 400


class Entry(models.Model):
    """One change: who, what, why, before and after. Rows are inserted and, past retention, expired; never changed.

    The actor is kept as text beside the id: an entry outlives the person's account.
    """

    class Source(models.TextChoices):
        SERVICE = "service", "Console"
        TRIGGER = "trigger", "Outside the console"

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
    # The database sets these, `at` and the id, whatever is sent. See contract/v1/15_audit.sql.
    database_role = models.CharField(max_length=63, blank=True, db_default="", editable=False)
    transaction_id = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "entries"
        # Each ends with the order of the list, so that a page of a filter reads the rows of that page only. Migration
        # 0004 adds an index of texts where the database has pg_trgm.
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_entry_by_time"),
            models.Index(fields=["target_id", "target_type", "-at", "-id"], name="audit_entry_by_thing"),
            models.Index(Upper("actor"), F("at").desc(), F("id").desc(), name="audit_entry_by_who"),
            models.Index(Upper("action"), F("at").desc(), F("id").desc(), name="audit_entry_by_action"),
            models.Index(fields=["request_id"], name="audit_entry_by_request"),
            models.Index(fields=["-at", "-id"], name="audit_entry_around", condition=Q(source="trigger")),
        ]

    @property
    def title(self) -> str:
        """What happened, in words."""
        return action_in_words(self.action)


class IdsField(models.Field):
    """PostgreSQL's int8multirange: a set of ids, short where they follow each other."""

    def db_type(self, connection: Any) -> str:
        return "int8multirange"


class Seal(models.Model):
    """A link of the chain that proves which entries there were: `hash` covers all of it and the previous link.

    An expiry says which entries retention let go. Only the owner's functions write here.
    """

    class Kind(models.TextChoices):
        ENTRIES = "entries", "Entries"
        EXPIRY = "expiry", "Expiry"

    id = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    kind = models.CharField(max_length=7, choices=Kind)
    # No entry of it is younger: what may have left by now.
    newest_at = models.DateTimeField()
    ids = IdsField()
    # SHA-256 of each entry, in the order of the ids.
    digests = models.BinaryField()
    previous = models.BinaryField(unique=True)
    hash = models.BinaryField()


class Unsealed(models.Model):
    """An entry that no seal covers yet."""

    entry_id = models.BigIntegerField(primary_key=True)


class Retention(models.Model):
    """One row: how many days entries are kept. Only the owner of the schema changes it."""

    days = models.PositiveIntegerField(default=RETENTION_DAYS)

    class Meta:
        constraints = [
            models.CheckConstraint(name="audit_retention_single", condition=models.Q(id=1)),
            models.CheckConstraint(name="audit_retention_floor", condition=models.Q(days__gte=90)),
        ]


class Tally(models.Model):
    """How often something was recorded lately, where a flood must not fill the audit: `key` says of what and whom.

    `left_out` were counted instead of recorded, since the last entry that said so.
    """

    key = models.CharField(max_length=200, primary_key=True)
    minute = models.DateTimeField()
    written = models.PositiveIntegerField()
    left_out = models.PositiveBigIntegerField(default=0)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=200)
    target_label = models.CharField(max_length=300)
