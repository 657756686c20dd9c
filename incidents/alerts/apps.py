from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "incidents.alerts"
    label = "alerts"
