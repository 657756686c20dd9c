"""Changes that wait for a second person, and the rules that say which."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from ops_console.access.roles import Role


class Kind(models.TextChoices):
    """What a rule can be about. `LIMIT` and `BULK` have a threshold."""

    FLAG = "flag", "Changes of protected flags"
    LIMIT = "limit", "Limits above a size"
    BULK = "bulk", "Bulk actions above a size"
    ARMING = "arming", "Arming the sweep"


SIZED = (Kind.LIMIT, Kind.BULK)


class ApprovalRule(models.Model):
    """Whether changes of a kind need a second person. A kind without a row does not."""

    kind = models.CharField(primary_key=True, max_length=20, choices=Kind)
    enabled = models.BooleanField(default=False)
    # More than this needs approval; NULL: any size.
    threshold = models.PositiveBigIntegerField(null=True)
    version = models.PositiveIntegerField(default=0)


class ChangeRequest(models.Model):
    """One change as somebody wants it: the call of a service, and what it would change."""

    class State(models.TextChoices):
        OPEN = "open", "Waits for approval"
        APPLIED = "applied", "Applied"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        FAILED = "failed", "Could not be applied"

    kind = models.CharField(max_length=20, choices=Kind)
    call = models.CharField(max_length=60)
    arguments = models.JSONField(encoder=DjangoJSONEncoder)
    role = models.CharField(max_length=20, choices=Role)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=200)
    summary = models.CharField(max_length=300)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    requester_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    problem = models.TextField(blank=True)
    # Applied by one person alone, in an emergency.
    broke_glass = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-id"], name="approvals_by_state"),
            models.Index(fields=["decided_at"], name="approvals_broke_glass", condition=models.Q(broke_glass=True)),
        ]

    @property
    def is_expired(self) -> bool:
        return self.state == self.State.OPEN and self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN and not self.is_expired
