from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "ops_console.telemetry"
    label = "telemetry"

    def ready(self) -> None:
        from ops_console.telemetry import checks, sentry, task_runs  # noqa: F401 - checks register themselves

        sentry.start()
        task_runs.connect()
