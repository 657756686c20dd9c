from django.apps import AppConfig


class OpsConsoleConfig(AppConfig):
    name = "ops_console"

    def ready(self) -> None:
        from ops_console import checks  # noqa: F401 - checks register themselves
