"""Users over all tiers."""

from collections.abc import Iterator
from typing import Any

from demo.seeding.draw import Draw
from demo.seeding.words import FIRST_NAMES, LAST_NAMES, UNUSUAL_NAMES

TIER_WEIGHTS = {
    "trial": 10,
    "free": 35,
    "starter": 12,
    "hobby": 12,
    "creator": 12,
    "pro": 10,
    "executive": 4,
    "enterprise": 3,
    "unlimited": 2,
}
DOMAINS = ("example.com", "example.org", "example.net")
TIMEZONES = ("Europe/Prague", "America/New_York", "Asia/Kolkata", "UTC", "Africa/Accra", None)
# The first users are fixed, so that guides and tests can name one of each tier.
KNOWN = tuple((f"{tier}@example.com", tier) for tier in TIER_WEIGHTS)
# Nobody can sign in to the demo's podcast: this is no hash of anything.
UNUSABLE = "!no-sign-in"

Row = dict[str, Any]


def make_users(draw: Draw, count: int) -> list[Row]:
    """`count` users: one known a tier, the unusual names, then ordinary ones."""
    return [_user(draw, number, *who) for number, who in zip(range(count), _people(draw), strict=False)]


def _people(draw: Draw) -> Iterator[tuple[str, str, str, str]]:
    for number, (email, tier) in enumerate(KNOWN):
        yield FIRST_NAMES[number], LAST_NAMES[number], email, tier
    for number, (first, last) in enumerate(UNUSUAL_NAMES):
        yield first, last, f"unusual+{number}@example.com", draw.weighted(TIER_WEIGHTS)
    number = 0
    while True:
        number += 1
        first, last = draw.one(FIRST_NAMES), draw.one(LAST_NAMES)
        yield first, last, f"{first}.{last}{number}@{draw.one(DOMAINS)}".lower(), draw.weighted(TIER_WEIGHTS)


def _user(draw: Draw, number: int, first: str, last: str, email: str, tier: str) -> Row:
    return {
        "id": draw.id(),
        "email": email,
        "hashed_password": UNUSABLE,
        "is_active": number < len(KNOWN) or not draw.chance(0.03),
        "is_admin": number == 0,
        "role": "admin" if number == 0 else draw.one((None, None, "host", "")),
        "tier": tier,
        "first_name": first if number < 100 or not draw.chance(0.05) else None,
        "last_name": last,
        "timezone": draw.one(TIMEZONES),
        "created_at": draw.ago(24 * 30, 24 * 900),
        "last_login": draw.ago(0, 24 * 30) if draw.chance(0.8) else None,
        "is_deleted_view": number >= len(KNOWN) and draw.chance(0.01),
    }
