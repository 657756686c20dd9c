"""A task that never ran has a row too, with the time from which it was expected."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_initial")]

    operations = [
        migrations.AddField("taskrun", "expected_since", models.DateTimeField(db_default=Now())),
        migrations.AlterField("taskrun", "started_at", models.DateTimeField(null=True)),
    ]
