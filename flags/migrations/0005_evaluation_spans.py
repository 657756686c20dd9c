"""A row a name with the first and last hour of each answer, filled from the usage that is there."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO flags_evaluationspan (flag, on_since, on_until, off_since, off_until)
SELECT flag, min(hour) FILTER (WHERE result), max(hour) FILTER (WHERE result),
       min(hour) FILTER (WHERE NOT result), max(hour) FILTER (WHERE NOT result)
FROM flags_usage WHERE char_length(flag) <= 100 GROUP BY flag
"""


class Migration(migrations.Migration):
    dependencies = [("flags", "0004_json_depth")]

    operations = [
        migrations.CreateModel(
            name="EvaluationSpan",
            fields=[
                (
                    "flag",
                    models.OneToOneField(
                        db_column="flag",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="span",
                        serialize=False,
                        to="flags.flag",
                        to_field="name",
                    ),
                ),
                ("on_since", models.DateTimeField(null=True)),
                ("on_until", models.DateTimeField(null=True)),
                ("off_since", models.DateTimeField(null=True)),
                ("off_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
