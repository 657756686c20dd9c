from typing import Any

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Says what the console's role needs on foreign tables, and checks the sources with Django's own checks."""

    name = "incidents.operations"
    label = "operations"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from incidents.operations.checks import check_sources
        from ops_console.audit import things
        from ops_console.contract.grants import console_needs

        things.register("action", "operations:action", things.as_number)
        things.register("command", "operations:dead", things.as_none)
        register(check_sources, Tags.database)
        console_needs.connect(_grants, dispatch_uid="operations")


def _grants(sender: object, **_: Any) -> list[Any]:
    from incidents.operations import notifications, upkeep
    from incidents.operations.sources import SOURCES

    tables = [source.qualified_table for source in SOURCES.values()]
    needed = [grant for source in SOURCES.values() for grant in source.grants()]
    return [*notifications.grants(), *upkeep.grants(tables), *needed]
