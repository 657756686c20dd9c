from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contract", "0006_config_change")]

    operations = [
        migrations.AlterField(
            model_name="grantee",
            name="kind",
            field=models.CharField(
                choices=[
                    ("backend", "Backend"),
                    ("console", "Console"),
                    ("foreign", "The console, for the backend's tables"),
                ],
                max_length=10,
            ),
        ),
    ]
