"""Fills the podcast's tables: `python -m demo.seed`. Does nothing where there is data."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from demo.config import backend_database
from demo.seeding.draw import Draw
from demo.seeding.episodes import Episodes
from demo.seeding.media import make_media, make_notifications, make_watches
from demo.seeding.platform import make_settings, make_tiers
from demo.seeding.podcasts import make_podcasts
from demo.seeding.users import make_users

USERS = 2_000
EPISODES = 20_000

Row = dict[str, Any]


def seed(conninfo: str, users: int = USERS, episodes: int = EPISODES) -> bool:
    """Fill the tables in one transaction; False when they hold data already.

    `episodes` must leave room for the stuck, fresh and waiting ones (about 2,200).
    """
    with psycopg.connect(conninfo) as connection:
        # Second seeder waits here and then finds the data of the first.
        connection.execute('LOCK TABLE public."user" IN SHARE ROW EXCLUSIVE MODE')
        if connection.execute('SELECT 1 FROM public."user" LIMIT 1').fetchone():
            return False
        for table, rows in _tables(Draw(_now()), users, episodes).items():
            _copy(connection, table, rows)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return True


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _tables(draw: Draw, user_count: int, episode_count: int) -> dict[str, list[Row]]:
    users = make_users(draw, user_count)
    podcasts, themes = make_podcasts(draw, users)
    episodes = list(Episodes(draw, podcasts, themes).make(episode_count))
    media = list(make_media(draw, users, episodes))
    return {
        "user": users,
        "podcast": podcasts,
        "episode": episodes,
        "mediaitem": media,
        "transcriptionwatch": list(make_watches(draw, media)),
        "notification": list(make_notifications(draw, users)),
        "tierconfiguration": list(make_tiers(draw.now)),
        "appsetting": list(make_settings(draw.now)),
    }


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[Row]) -> None:
    rows = list(rows)
    names = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    statement = sql.SQL("COPY public.{} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


if __name__ == "__main__":
    print("seeded" if seed(backend_database()) else "there is data already: left as it is")
