from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_seals")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("key", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("minute", models.DateTimeField()),
                ("written", models.PositiveIntegerField()),
                ("left_out", models.PositiveBigIntegerField(default=0)),
                ("action", models.CharField(max_length=60)),
                ("target_type", models.CharField(max_length=60)),
                ("target_id", models.CharField(max_length=200)),
                ("target_label", models.CharField(max_length=300)),
            ],
        )
    ]
