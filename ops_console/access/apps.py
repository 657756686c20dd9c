from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "ops_console.access"
    label = "access"

    def ready(self) -> None:
        from ops_console.access import services, signals  # noqa: F401 - signals connects the receivers
        from ops_console.audit import revert, things

        things.register("person", "access:user", things.as_number)
        things.register("access_policy", "access:users", things.as_none)
        things.register("token", "access:tokens", things.as_none)
        revert.register("access_policy", services.revert_policy)
