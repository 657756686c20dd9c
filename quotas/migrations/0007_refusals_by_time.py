"""The index of refusals by time holds what the list of those refused most shows: their rows need not be read."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # built without blocking writes

    dependencies = [("quotas", "0006_bounded_counts")]

    operations = [
        AddIndexConcurrently(
            "refusal",
            models.Index(
                fields=["at"], include=["user_id", "resource", "shadow", "count"], name="quotas_refusal_by_time"
            ),
        ),
        RemoveIndexConcurrently("refusal", "quotas_refusal_at"),
    ]
