"""A label of choices alone: no statement is run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_text_index")]

    operations = [
        migrations.AlterField(
            model_name="entry",
            name="source",
            field=models.CharField(
                choices=[("service", "Console"), ("trigger", "Outside the console")], default="service", max_length=10
            ),
        )
    ]
