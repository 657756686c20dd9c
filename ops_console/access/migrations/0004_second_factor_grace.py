from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0003_api_tokens")]

    operations = [migrations.AddField("policy", "grace_until", models.DateTimeField(null=True))]
