"""What was asked for and could not be done at once."""

from django.db import models


class PendingChange(models.Model):
    """A call of a service, with who asked for it. At most one of a target is pending: the last that was asked for."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        REPLACED = "replaced", "Replaced"

    call = models.CharField(max_length=50)
    arguments = models.JSONField()
    actor = models.JSONField()
    target_type = models.CharField(max_length=30)
    target_id = models.CharField(max_length=200)
    target_label = models.CharField(max_length=300)
    summary = models.CharField(max_length=200)
    # The target's version when it was asked for: what somebody else has changed since is not overwritten.
    version = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    message = models.TextField(blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField(db_default=models.functions.Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_pending_change_per_target",
                fields=["target_type", "target_id"],
                condition=models.Q(status="pending"),
            )
        ]

    @property
    def text(self) -> str:
        """What is pending, as a sentence."""
        return (
            f"{self.target_label}: “{self.summary}” is pending. Another database session holds a lock; "
            "it is retried every few seconds."
        )
