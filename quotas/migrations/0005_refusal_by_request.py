"""The index by which the search finds what a request was refused for."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # built without blocking writes

    dependencies = [("quotas", "0004_override_by_end")]

    operations = [
        AddIndexConcurrently("refusal", models.Index(fields=["request_id"], name="quotas_refusal_by_request")),
    ]
