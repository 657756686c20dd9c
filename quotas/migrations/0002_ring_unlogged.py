"""The rings move at every call: no write-ahead log, and room on each page to update a row in place."""

from django.db import migrations

TUNE = """
ALTER TABLE quotas_ring SET UNLOGGED;
ALTER TABLE quotas_ring SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE quotas_level SET (fillfactor = 70);
ALTER TABLE quotas_counter SET (fillfactor = 70);
ALTER TABLE quotas_slot SET (fillfactor = 70);
"""


class Migration(migrations.Migration):
    dependencies = [("quotas", "0001_initial")]
    operations = [migrations.RunSQL(TUNE, "ALTER TABLE quotas_ring SET LOGGED")]
