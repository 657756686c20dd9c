"""Shows, each with a theme that its episodes keep to."""

import re
from typing import Any

from demo.seeding.draw import Draw
from demo.seeding.words import PLACES, SHOW_NAMES, THEMES

Row = dict[str, Any]


def make_podcasts(draw: Draw, users: list[Row]) -> tuple[list[Row], dict[object, str]]:
    """One or two shows a user, and the theme of each by its id."""
    rows, themes = [], {}
    for user in users:
        for _ in range(2 if draw.chance(0.2) else 1):
            theme = draw.one(tuple(THEMES))
            row = _podcast(draw, user, theme)
            rows.append(row)
            themes[row["id"]] = theme
    return rows, themes


def _podcast(draw: Draw, user: Row, theme: str) -> Row:
    host = user["first_name"] or "Someone"
    name = draw.one(SHOW_NAMES).format(theme=theme.title(), name=host, place=draw.one(PLACES))
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return {
        "id": draw.id(),
        "user_id": user["id"],
        "name": name,
        "slug": f"{slug}-{draw.whole(1, 9999)}" if draw.chance(0.9) else None,
    }
