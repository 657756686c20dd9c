from django.apps import AppConfig


class SweepConfig(AppConfig):
    name = "incidents.sweep"
    label = "sweep"

    def ready(self) -> None:
        from ops_console.audit import things

        things.register("sweep", "sweep:overview", things.as_none)
