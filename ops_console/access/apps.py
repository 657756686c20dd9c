from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "ops_console.access"
    label = "access"

    def ready(self) -> None:
        from ops_console.access import services, signals  # noqa: F401 - signals connects the receivers
        from ops_console.audit import revert

        revert.register("access_policy", services.revert_policy)
