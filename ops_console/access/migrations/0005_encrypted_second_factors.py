from django.db import migrations

from ops_console.access.encryption import SECRETS, decrypt, encrypt


def _apply(change):
    def run(apps, schema_editor):
        factors = apps.get_model("mfa", "Authenticator").objects.using(schema_editor.connection.alias)
        for factor in factors.filter(type__in=SECRETS).order_by("pk"):
            factor.data[SECRETS[factor.type]] = change(factor.data[SECRETS[factor.type]])
            factor.save(update_fields=["data"])

    return run


class Migration(migrations.Migration):
    dependencies = [("access", "0004_second_factor_grace"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(_apply(encrypt), _apply(decrypt))]
