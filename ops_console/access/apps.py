from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "ops_console.access"
    label = "access"
