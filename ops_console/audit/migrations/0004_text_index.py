from typing import Any

from django.db import migrations

TRIGRAMS = (
    "SELECT quote_ident(n.nspname) FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace "
    "WHERE x.extname = 'pg_trgm'"
)
CREATE = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_entry_texts ON ops.audit_entry "
    "USING gin (upper(target_label) {0}.gin_trgm_ops, upper(reason) {0}.gin_trgm_ops)"
)


def create(apps: Any, schema_editor: Any) -> None:
    """Only where the extension is installed: installing it is the database owner's choice (decision 018)."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TRIGRAMS)
        found = cursor.fetchone()
        if found:
            cursor.execute(CREATE.format(found[0]))


def drop(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DROP INDEX CONCURRENTLY IF EXISTS ops.audit_entry_texts")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0003_indexes_in_list_order")]

    operations = [migrations.RunPython(create, drop)]
