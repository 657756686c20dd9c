from django.apps import AppConfig


class PendingChangesConfig(AppConfig):
    name = "ops_console.pending_changes"
    label = "pending_changes"
