"""Alert rules as admins keep them, alerts as they come and go, and every message that was to reach somebody."""

from django.core.validators import URLValidator
from django.db import models
from django.db.models.functions import Now

from incidents.alerts.machine import Event, State

STATES = [(state.value, state.value.capitalize()) for state in State]


class Rule(models.Model):
    """When somebody is told, of one condition. The conditions are in `conditions.py`; rows are made from them."""

    name = models.SlugField(max_length=40, primary_key=True)
    enabled = models.BooleanField(default=True)
    limit = models.FloatField(help_text="What it is compared with; its unit is the condition's.")
    for_seconds = models.PositiveIntegerField(help_text="How long it must hold before it fires.")
    keep_firing_seconds = models.PositiveIntegerField(help_text="How long it must be gone before it is over.")
    quiet_from = models.TimeField(null=True, blank=True, help_text="Between these times nobody is told.")
    quiet_until = models.TimeField(null=True, blank=True)
    timezone = models.CharField(max_length=63, default="UTC", help_text="Of the quiet hours.")
    runbook_url = models.CharField(
        max_length=500, blank=True, validators=[URLValidator(["http", "https"])], help_text="What to read first."
    )
    version = models.PositiveIntegerField(default=1)
    # The last look, by the database's clock. `no_data`: nothing is known; `error`: since the rule cannot be evaluated.
    looked_at = models.DateTimeField(null=True, editable=False)
    no_data = models.TextField(blank=True, editable=False)
    error = models.TextField(blank=True, db_default="", editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="alerts_rule_quiet_hours_both",
                condition=models.Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One thing that a rule saw, from the moment it was first seen. `subject` tells alerts of one rule apart."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="alerts")
    subject = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=STATES)
    since = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    value = models.FloatField()
    summary = models.CharField(max_length=500)
    url = models.CharField(max_length=300, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    # Why it was resolved although its condition may still hold: its rule was disabled.
    closed_because = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=~models.Q(state=State.RESOLVED.value),
                name="alerts_alert_one_open",
            ),
            models.CheckConstraint(
                name="alerts_alert_state_known", condition=models.Q(state__in=[state.value for state in State])
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="alerts_alert_by_state"),
            models.Index(fields=["resolved_at"], name="alerts_alert_resolved"),
        ]


class Message(models.Model):
    """What is sent about an alert through one channel. `channel` is its address without secrets."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not sent"

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="messages")
    event = models.CharField(max_length=10, choices=[(event.value, event.value.capitalize()) for event in Event])
    channel_number = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=300)
    title = models.CharField(max_length=300)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="alerts_message_due", condition=models.Q(state="queued")),
        ]
