from django.apps import AppConfig


class BreakersConfig(AppConfig):
    name = "incidents.breakers"
    label = "breakers"
