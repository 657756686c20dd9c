import django.db.models
from django.db import migrations, models

import ops_console.audit.models


class Migration(migrations.Migration):
    """What there is already is sealed within minutes. The new columns have constant defaults: no row is rewritten."""

    dependencies = [("audit", "0005_outside_the_console")]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="database_role",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=63),
        ),
        migrations.AddField(
            model_name="entry", name="transaction_id", field=models.BigIntegerField(editable=False, null=True)
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField()),
                ("kind", models.CharField(choices=[("entries", "Entries"), ("expiry", "Expiry")], max_length=7)),
                ("newest_at", models.DateTimeField()),
                ("ids", ops_console.audit.models.IdsField()),
                ("digests", models.BinaryField()),
                ("previous", models.BinaryField(unique=True)),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Unsealed",
            fields=[("entry_id", models.BigIntegerField(primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveIntegerField(default=400)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=django.db.models.Q(("id", 1)), name="audit_retention_single"),
                    models.CheckConstraint(
                        condition=django.db.models.Q(("days__gte", 90)), name="audit_retention_floor"
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "INSERT INTO ops.audit_unsealed (entry_id) SELECT id FROM ops.audit_entry", migrations.RunSQL.noop
        ),
    ]
