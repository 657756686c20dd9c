from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "incidents.operations"
    label = "operations"
