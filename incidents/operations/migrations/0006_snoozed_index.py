from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # made beside running work, which a transaction would block

    dependencies = [
        ("operations", "0005_acting"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="operationmark",
            index=models.Index(
                condition=models.Q(("snoozed_until__isnull", False)),
                fields=["kind", "snoozed_until", "operation_id"],
                name="operations_mark_snoozed",
            ),
        ),
    ]
