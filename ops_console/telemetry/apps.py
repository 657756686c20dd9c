from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "ops_console.telemetry"
    label = "telemetry"
