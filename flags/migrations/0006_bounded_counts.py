"""Counts that backends write stay in a range in which no sum overflows."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are checked without the lock under which the constraint is added.
    atomic = False
    dependencies = [
        ("flags", "0005_evaluation_spans"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="usage",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gte", 0), ("count__lte", 1000000000000)), name="flags_usage_counted"
            ),
        ),
        ValidateConstraint(model_name="usage", name="flags_usage_counted"),
    ]
