from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0008_freezing"),
    ]

    operations = [
        migrations.AlterField(
            model_name="usernotice",
            name="state",
            field=models.CharField(
                choices=[
                    ("due", "Due"),
                    ("sending", "Being sent"),
                    ("sent", "Sent"),
                    ("failed", "Not sent"),
                    ("withheld", "Withheld, since it was taken back"),
                ],
                db_default="due",
                max_length=10,
            ),
        ),
    ]
