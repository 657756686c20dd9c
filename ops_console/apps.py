from django.apps import AppConfig


class OpsConsoleConfig(AppConfig):
    name = "ops_console"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from ops_console import checks  # noqa: F401 - checks register themselves
        from ops_console.runtime.outage import outage

        # Sent whenever a connection was checked and handed out, the pool's included.
        connection_created.connect(outage.is_over)
