"""The podcast backend's own tables, in every test database, as they stand beside the console's in a real one."""

from pathlib import Path

from django.db import connection

SCHEMA = Path(__file__).parents[1] / "demo" / "schema.sql"


def make_tables() -> None:
    """Make them; those that are there stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA.read_text())


def empty_tables() -> None:
    """Remove what tests have committed into them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(format('public.%I', tablename), ', ') FROM pg_tables WHERE schemaname = 'public'"
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]}")


def add_user(user_id: str, email: str, first_name: str, last_name: str, tier: str) -> None:
    """A user of the backend."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO public."user" (id, email, hashed_password, is_active, is_admin, tier, first_name, last_name,'
            " created_at, is_deleted_view)"
            " VALUES (%s, %s, '', true, false, %s, %s, %s, now() AT TIME ZONE 'UTC', false)",
            [user_id, email, tier, first_name, last_name],
        )
