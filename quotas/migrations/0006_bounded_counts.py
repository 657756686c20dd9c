"""Counts that backends write stay in a range in which no sum overflows."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are checked without the lock under which the constraint is added.
    atomic = False
    dependencies = [
        ("quotas", "0005_refusal_by_request"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="failure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("count__gte", 0), ("count__lte", 1000000000000), ("late__gte", 0), ("late__lte", 1000000000000)
                ),
                name="quotas_failure_counted",
            ),
        ),
        ValidateConstraint(model_name="failure", name="quotas_failure_counted"),
    ]
