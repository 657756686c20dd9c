from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "ops_console.live"
    label = "live"
