from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "incidents.alerts"
    label = "alerts"

    def ready(self) -> None:
        from ops_console.audit import things

        things.register("alert", "alerts:page", things.as_number)
        things.register("alert_rule", "alerts:rule", things.as_name)
