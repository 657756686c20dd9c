"""Counts that backends write stay in a range in which no sum overflows."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are checked without the lock under which the constraint is added.
    atomic = False
    dependencies = [
        ("breakers", "0002_report_not_closed"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="report",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("epoch__gte", 0),
                    ("epoch__lte", 1000000000000),
                    ("calls__gte", 0),
                    ("calls__lte", 1000000000000),
                    ("failures__gte", 0),
                    ("failures__lte", 1000000000000),
                    ("slow__gte", 0),
                    ("slow__lte", 1000000000000),
                ),
                name="breakers_report_counted",
            ),
        ),
        ValidateConstraint(model_name="report", name="breakers_report_counted"),
    ]
