"""No JSON deeper than its readers go: Python gives up at about a thousand levels, and with one row on all of them."""

from django.db import migrations

# A constraint's value is the sixth level; a newer version may need a few more.
COLUMNS = {
    "flags_flag": ("rules", "variants", "prerequisites", "tags"),
    "flags_segment": ("constraints",),
}


def _add(table: str) -> str:
    shallow = " AND ".join(f"NOT jsonb_path_exists({column}, '$.**{{20}}')" for column in COLUMNS[table])
    return f"ALTER TABLE {table} ADD CONSTRAINT {table}_depth CHECK ({shallow})"


def _drop(table: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {table}_depth"


class Migration(migrations.Migration):
    dependencies = [("flags", "0003_targeting_and_usage")]

    operations = [migrations.RunSQL(_add(table), _drop(table)) for table in COLUMNS]
