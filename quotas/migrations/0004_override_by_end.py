"""The index by which overrides are listed in the order in which they end, and by which those that ran out are found."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # built without blocking writes

    dependencies = [
        ("quotas", "0003_enforcement"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="override",
            index=models.Index(
                models.Func(
                    models.F("expires_at"),
                    template="COALESCE(%(expressions)s, '9999-01-01 00:00:00+00'::timestamptz)",
                    output_field=models.DateTimeField(),
                ),
                "id",
                condition=models.Q(("ended_at__isnull", True)),
                name="quotas_override_by_end",
            ),
        ),
    ]
