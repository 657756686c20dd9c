from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

OPEN = ["freezing", "scheduled", "running", "paused"]
ARRAYS = ("operation_ids", "seen_statuses", "seen_ages", "seen_versions")
# Packing a million ids takes a tenth of the time so; a server built without lz4 keeps what it has.
COMPRESS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        ALTER TABLE ops.operations_chunk {};
    END IF;
END $$
"""


def compress(method):
    return COMPRESS.format(", ".join(f"ALTER {column} SET COMPRESSION {method}" for column in ARRAYS))


class Migration(migrations.Migration):
    atomic = False  # made beside running work, which a transaction would block

    dependencies = [
        ("operations", "0007_upkeep"),
    ]

    operations = [
        migrations.AlterField(
            model_name="action",
            name="state",
            field=models.CharField(
                choices=[
                    ("freezing", "Being frozen"),
                    ("scheduled", "Scheduled"),
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("cancelled", "Cancelled"),
                    ("done", "Done"),
                ],
                default="scheduled",
                max_length=10,
            ),
        ),
        RemoveIndexConcurrently(model_name="action", name="operations_action_open"),
        AddIndexConcurrently(
            model_name="action",
            index=models.Index(
                condition=models.Q(("state__in", OPEN)), fields=["release_at"], name="operations_action_open"
            ),
        ),
        migrations.RunSQL(compress("lz4"), compress("default")),
    ]
