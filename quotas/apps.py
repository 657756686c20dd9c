from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"

    def ready(self) -> None:
        from ops_console.audit.revert import register
        from quotas.services import revert_override

        register("override", revert_override)
