"""Tiers and settings of the podcast itself."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

# Minutes and episodes a month, storage hours and days kept; None is no limit.
TIERS: dict[str, tuple[int | None, int | None, int | None, int | None]] = {
    "trial": (None, None, None, None),
    "free": (60, 5, None, None),
    "starter": (60, 5, None, None),
    "hobby": (60, 5, 2, 7),
    "creator": (300, 50, 10, 14),
    "pro": (1000, 500, 25, 30),
    "executive": (2000, 1000, 50, 60),
    "enterprise": (None, None, None, None),
    "unlimited": (None, None, None, None),
}
SETTINGS = {"maintenance_mode": False, "default_user_active": True, "upload_limit_mb": 500}

Row = dict[str, Any]


def make_tiers(now: datetime) -> Iterator[Row]:
    """One row a tier; the id is the table's own sequence's."""
    names = ("processing_minutes", "max_episodes_month", "storage_hours", "storage_days")
    for tier, limits in TIERS.items():
        features = {name: limit for name, limit in zip(names, limits, strict=True) if limit is not None}
        row = {"tier_name": tier, "display_name": tier.title(), "features_json": json.dumps(features)}
        yield row | {"created_at": now, "updated_at": now}


def make_settings(now: datetime) -> Iterator[Row]:
    """A few switches, their values as JSON text."""
    for key, value in SETTINGS.items():
        yield {"key": key, "value_json": json.dumps(value), "created_at": now, "updated_at": now}
