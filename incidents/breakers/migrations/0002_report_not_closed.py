"""An index on the few reports of processes that opened a breaker for themselves."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("breakers", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="report",
            index=models.Index(
                fields=["breaker"], name="breakers_report_not_closed", condition=~models.Q(status="closed")
            ),
        ),
    ]
