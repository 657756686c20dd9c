"""What enforcement keeps: costs, warnings and deadlines of resources, trials, hourly peaks, recounts and drift."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quotas", "0002_ring_unlogged"),
    ]

    operations = [
        migrations.CreateModel(
            name="Drift",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "resource", "user_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("resource", models.CharField(max_length=63)),
                ("user_id", models.CharField(max_length=200)),
                ("used", models.BigIntegerField()),
                ("measured", models.BigIntegerField()),
                ("measured_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Peak",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "resource", "user_id", "hour", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("resource", models.CharField(max_length=63)),
                ("user_id", models.CharField(max_length=200)),
                ("hour", models.DateTimeField()),
                ("tier", models.CharField(db_default="", max_length=50)),
                ("source", models.CharField(max_length=10)),
                ("limit", models.BigIntegerField(null=True)),
                ("peak", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Recount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("resource", models.CharField(max_length=63)),
                ("user_id", models.CharField(blank=True, max_length=200)),
                ("correct", models.BooleanField(default=False)),
                ("requested_by", models.CharField(max_length=150)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("holder", models.UUIDField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("measured", models.IntegerField(db_default=0)),
                ("drifted", models.IntegerField(db_default=0)),
                ("skipped", models.IntegerField(db_default=0)),
                ("error", models.TextField(db_default="")),
            ],
        ),
        migrations.AddField(
            model_name="failure",
            name="late",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name="level",
            name="changed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="level",
            name="measured_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="trial_limit",
            field=models.BigIntegerField(blank=True, help_text="Recorded, not enforced. Empty: none.", null=True),
        ),
        migrations.AddField(
            model_name="refusal",
            name="first_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="resource",
            name="cost",
            field=models.BigIntegerField(
                db_default=1,
                default=1,
                help_text="What one call takes where the backend does not say. A whole number from 1.",
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="deadline_ms",
            field=models.PositiveIntegerField(
                db_default=2000,
                default=2000,
                help_text="A database that has not answered within this is away for the call.",
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="nearly_percent",
            field=models.PositiveSmallIntegerField(
                db_default=95, default=95, help_text="From this share on, it is nearly used up."
            ),
        ),
        migrations.AddField(
            model_name="resource",
            name="warn_percent",
            field=models.PositiveSmallIntegerField(
                db_default=80, default=80, help_text="From this share of the limit on, a user is near it."
            ),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trial_limit__isnull", True),
                    models.Q(("trial_limit__gte", 0), ("trial_limit__lte", 9007199254740992)),
                    _connector="OR",
                ),
                name="quotas_policy_trial_limit_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost__gte", 1), ("cost__lte", 9007199254740992)), name="quotas_resource_cost_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("nearly_percent__lte", 100),
                    ("warn_percent__gte", 1),
                    ("warn_percent__lte", models.F("nearly_percent")),
                ),
                name="quotas_resource_warns_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.CheckConstraint(
                condition=models.Q(("deadline_ms__gte", 10), ("deadline_ms__lte", 60000)),
                name="quotas_resource_deadline_range",
            ),
        ),
        migrations.AddIndex(
            model_name="peak",
            index=models.Index(fields=["hour"], name="quotas_peak_hour"),
        ),
        migrations.AddIndex(
            model_name="peak",
            index=models.Index(fields=["user_id", "hour"], name="quotas_peak_of_user"),
        ),
        migrations.AddIndex(
            model_name="recount",
            index=models.Index(fields=["finished_at"], name="quotas_recount_finished"),
        ),
        migrations.AddConstraint(
            model_name="recount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_at__isnull", True)),
                fields=("resource", "user_id"),
                name="quotas_recount_one_open",
            ),
        ),
    ]
