from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "incidents.alerts"
    label = "alerts"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from incidents.alerts.checks import check_channels
        from ops_console.audit import things

        register(check_channels, Tags.security, deploy=True)
        things.register("alert", "alerts:page", things.as_number)
        things.register("alert_rule", "alerts:rule", things.as_name)
