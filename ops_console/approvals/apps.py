from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "ops_console.approvals"
    label = "approvals"
