from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # made beside running work, which a transaction would block

    dependencies = [
        ("operations", "0003_tracked"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="operationmark",
            index=models.Index(
                condition=models.Q(("last_command_at__isnull", False)),
                fields=["kind", "last_command_at", "operation_id"],
                name="operations_mark_commanded",
            ),
        ),
        AddIndexConcurrently(
            model_name="operationmark",
            index=models.Index(
                condition=models.Q(("heartbeat_at__isnull", False)),
                fields=["kind", "heartbeat_at", "operation_id"],
                name="operations_mark_alive",
            ),
        ),
    ]
