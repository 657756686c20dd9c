from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "ops_console.access"
    label = "access"

    def ready(self) -> None:
        from ops_console.access import signals  # noqa: F401 - connects the receivers
