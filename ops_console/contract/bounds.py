"""What backends may write into the tables that they add to directly: numbers with which no sum can overflow."""

from django.db.models import CheckConstraint, Q

# A million rows of the largest still add up to a bigint.
MOST_COUNTED = 10**12


def counted(name: str, *fields: str) -> CheckConstraint:
    """A constraint under which `fields` count from 0 to MOST_COUNTED."""
    condition = Q()
    for field in fields:
        condition &= Q((f"{field}__gte", 0), (f"{field}__lte", MOST_COUNTED))
    return CheckConstraint(name=name, condition=condition)
