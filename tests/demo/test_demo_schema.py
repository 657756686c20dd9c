"""The podcast's tables are as unhelpful as those of the backend that they stand for."""

from typing import Any

import psycopg
import pytest

from demo.bootstrap import ROLES, prepare

# Name, type, and `!` for not null.
TABLES = {
    "user": "id uuid!, email varchar!, hashed_password varchar!, is_active bool!, is_admin bool!, role varchar, "
    "tier varchar!, first_name varchar, last_name varchar, timezone varchar, created_at timestamp!, "
    "last_login timestamp, is_deleted_view bool!",
    "podcast": "id uuid!, user_id uuid!, name varchar!, slug varchar",
    "episode": "id uuid!, user_id uuid!, podcast_id uuid!, template_id uuid, title varchar!, "
    "status episodestatus!, priority int4!, final_audio_path varchar, gcs_audio_path varchar, "
    "working_audio_name varchar, spreaker_publish_error varchar, is_explicit bool!, "
    "has_numbering_conflict bool!, is_published_to_spreaker bool!, needs_republish bool!, "
    "auphonic_processed bool!, meta_json varchar, guest_intros json, audio_file_size int4, "
    "processed_at timestamp!, created_at timestamp!, publish_at timestamp",
    "mediaitem": "id uuid!, user_id uuid!, category mediacategory!, filename varchar!, filesize int4, "
    "created_at timestamp!, expires_at timestamp, used_in_episode_id uuid, transcript_ready bool!, "
    "transcription_error varchar",
    "transcriptionwatch": "id uuid!, user_id uuid!, filename varchar!, last_status varchar, "
    "created_at timestamp!, notified_at timestamp",
    "notification": "id uuid!, user_id uuid!, type varchar!, title varchar!, body varchar, "
    "created_at timestamp!, read_at timestamp",
    "tierconfiguration": "id int4!, tier_name varchar!, display_name varchar!, features_json varchar!, "
    "created_at timestamp!, updated_at timestamp!",
    "appsetting": "key varchar!, value_json varchar!, created_at timestamp!, updated_at timestamp!",
}
COLUMNS = """
SELECT string_agg(column_name || ' ' || udt_name || CASE is_nullable WHEN 'NO' THEN '!' ELSE '' END, ', '
                  ORDER BY ordinal_position)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s
"""
LABELS = "SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = %s::regtype"


def ask(url: str, statement: str, *params: Any) -> list[Any]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(statement, params or None)]


@pytest.mark.parametrize("table", TABLES)
def test_columns(server_url: str, table: str) -> None:
    """Every table has the backend's columns, types and nullability, and no others."""
    assert ask(server_url, COLUMNS, table) == [TABLES[table]]


def test_no_server_defaults(server_url: str) -> None:
    """Only the one integer sequence fills a column by itself."""
    with_default = "SELECT table_name || '.' || column_name FROM information_schema.columns"
    found = ask(server_url, with_default + " WHERE table_schema = 'public' AND column_default IS NOT NULL")
    assert found == ["tierconfiguration.id"]


def test_no_index_helps(server_url: str) -> None:
    """No index on a status, an age or an owner: only keys and what must be unique."""
    found = ask(server_url, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    extra = {name for name in found if not name.endswith("_pkey")}
    assert extra == {"user_email_key", "tierconfiguration_tier_name_key"}


def test_enum_labels(server_url: str) -> None:
    """The native enums hold the backend's labels."""
    statuses = "pending processing awaiting_audio_decision failed processed completed published error"
    categories = "intro outro music commercial sfx main_content podcast_cover episode_cover"
    assert ask(server_url, LABELS, "public.episodestatus") == [statuses.split()]
    assert ask(server_url, LABELS, "public.mediacategory") == [categories.split()]


def test_role_length(server_url: str) -> None:
    """`role` is the one text with a length."""
    length = "SELECT table_name || '.' || column_name FROM information_schema.columns"
    found = ask(server_url, length + " WHERE table_schema = 'public' AND character_maximum_length = 50")
    assert found == ["user.role"]


def test_tables_belong_to_the_backend(server_url: str) -> None:
    """The backend's role owns its tables."""
    owners = ask(server_url, "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
    assert owners == ["podcast_backend"]


def test_roles_are_ordinary(server_url: str) -> None:
    """All roles can sign in and none of them is a superuser, makes roles or databases."""
    plain = "rolcanlogin AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolbypassrls"
    found = ask(server_url, f"SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s) AND {plain}", list(ROLES))
    assert set(found) == set(ROLES)


def test_only_the_owning_role_may_add_schemas(server_url: str) -> None:
    """The console's owner may create a schema in the database, its running role may not."""
    may = "SELECT has_database_privilege(%s, current_database(), 'CREATE')"
    assert ask(server_url, may, "ops_owner") == [True]
    assert ask(server_url, may, "ops_console") == [False]


def test_prepare_again(server_url: str) -> None:
    """Preparing what is prepared changes nothing."""
    tables = "SELECT array_agg(oid::bigint ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    before = ask(server_url, tables)
    prepare(server_url)
    assert ask(server_url, tables) == before
