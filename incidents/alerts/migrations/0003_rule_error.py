from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default: no row is rewritten."""

    dependencies = [("alerts", "0002_closed_because")]

    operations = [
        migrations.AddField(
            model_name="rule", name="error", field=models.TextField(blank=True, db_default="", editable=False)
        )
    ]
