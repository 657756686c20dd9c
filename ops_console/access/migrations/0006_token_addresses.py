from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default: no row is rewritten."""

    dependencies = [("access", "0005_encrypted_second_factors")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="addresses",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        )
    ]
