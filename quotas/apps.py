from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"

    def ready(self) -> None:
        from ops_console.audit import things
        from ops_console.audit.revert import register
        from quotas.services import revert_override

        register("override", revert_override)
        things.register("resource", "quotas:resource", things.as_name)
        things.register("policy", "quotas:policy", _pair)
        for kind in ("override", "usage", "level"):
            things.register(kind, "quotas:user", lambda target_id: _pair(target_id)[:1])


def _pair(target_id: str) -> Sequence[Any]:
    """A user or tier and a resource, as entries name them. Raises ValueError for an id of another form."""
    owner, slash, resource = target_id.rpartition("/")
    if not slash:
        raise ValueError(target_id)
    return [owner, resource]
