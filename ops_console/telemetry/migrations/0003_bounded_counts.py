"""Counts that backends write stay in a range in which no sum overflows."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are checked without the lock under which the constraint is added.
    atomic = False
    dependencies = [
        ("telemetry", "0002_expected_tasks"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="providerminute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("attempts__gte", 0),
                    ("attempts__lte", 1000000000000),
                    ("failures__gte", 0),
                    ("failures__lte", 1000000000000),
                    ("slow__gte", 0),
                    ("slow__lte", 1000000000000),
                    ("final_calls__gte", 0),
                    ("final_calls__lte", 1000000000000),
                    ("final_failures__gte", 0),
                    ("final_failures__lte", 1000000000000),
                    ("refused__gte", 0),
                    ("refused__lte", 1000000000000),
                ),
                name="telemetry_minute_counted",
            ),
        ),
        ValidateConstraint(model_name="providerminute", name="telemetry_minute_counted"),
    ]
