from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Upper

ADDED = [
    models.Index(fields=["-at", "-id"], name="audit_entry_by_time"),
    models.Index(fields=["target_id", "target_type", "-at", "-id"], name="audit_entry_by_thing"),
    models.Index(Upper("actor"), F("at").desc(), F("id").desc(), name="audit_entry_by_who"),
    models.Index(Upper("action"), F("at").desc(), F("id").desc(), name="audit_entry_by_action"),
    models.Index(fields=["request_id"], name="audit_entry_by_request"),
    models.Index(fields=["-at", "-id"], name="audit_entry_around", condition=Q(source="trigger")),
]
REPLACED = ["audit_entry_by_target", "audit_entry_by_actor", "audit_entry_at"]


class Migration(migrations.Migration):
    """The new indexes first: lists are served throughout."""

    atomic = False
    dependencies = [("audit", "0002_credential")]

    operations = [
        *[AddIndexConcurrently("entry", index) for index in ADDED],
        *[RemoveIndexConcurrently("entry", name) for name in REPLACED],
    ]
