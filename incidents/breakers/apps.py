from django.apps import AppConfig


class BreakersConfig(AppConfig):
    name = "incidents.breakers"
    label = "breakers"

    def ready(self) -> None:
        from ops_console.audit import things

        things.register("breaker", "breakers:page", things.as_name)
