from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class ContractConfig(AppConfig):
    """Makes the console's schema before the first migration, and the contract after the last."""

    name = "ops_console.contract"
    label = "contract"

    def ready(self) -> None:
        from ops_console.audit import things
        from ops_console.contract import checks  # noqa: F401 - checks register themselves

        things.register("process", "system", things.as_none)
        things.register("service", "system", things.as_none)
        things.register("session", "system", things.as_none)
        pre_migrate.connect(_make_schema, sender=self)
        # The contract speaks of every app's tables: it is applied after the app that migrate reports last.
        post_migrate.connect(_apply, sender=_last_app_config())


def _last_app_config() -> AppConfig:
    from django.apps import apps

    return [config for config in apps.get_app_configs() if config.models_module is not None][-1]


def _make_schema(sender: AppConfig, using: str, **kwargs: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS ops")


def _apply(sender: AppConfig, using: str, verbosity: int = 1, **kwargs: Any) -> None:
    from ops_console.contract.apply import apply_contract, unapplied_migrations

    if waiting := unapplied_migrations(using):
        if verbosity:
            print(f"  The contract waits for {len(waiting)} migrations and was left as it is.")
        return
    apply_contract(using)
