"""Counts that backends write stay in a range in which no sum overflows."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Rows are checked without the lock under which the constraint is added.
    atomic = False
    dependencies = [
        ("contract", "0004_settled_revision"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="instance",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("revision__gte", 0), ("revision__lte", 1000000000000), ("pid__gte", 0), ("pid__lte", 1000000000000)
                ),
                name="contract_instance_counted",
            ),
        ),
        ValidateConstraint(model_name="instance", name="contract_instance_counted"),
    ]
