from typing import Any

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "ops_console.directory"
    label = "directory"

    def ready(self) -> None:
        from django.core import checks

        from ops_console.contract.grants import console_needs
        from ops_console.directory.checks import check_directory

        console_needs.connect(_needs, dispatch_uid="directory")
        checks.register(check_directory, checks.Tags.database)


def _needs(**_: Any) -> list[Any]:
    """The mapped columns and nothing else of the backend's users are read."""
    from ops_console.contract.grants import ForeignGrant
    from ops_console.directory.mapping import current

    mapping = current()
    return [ForeignGrant("SELECT", mapping.table, mapping.columns)]
