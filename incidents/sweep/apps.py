from django.apps import AppConfig


class SweepConfig(AppConfig):
    name = "incidents.sweep"
    label = "sweep"
