"""Resources and tier policies for a console that has none: what the podcast backend sells."""

from typing import Any

from ops_console.access.actor import SYSTEM
from quotas.models import Resource
from quotas.settings_services import create_resource, set_policy
from quotas.storage_services import request_recount

HOUR_SECONDS = 3600
HOUR_OF_AUDIO_BYTES = 100_000_000  # at the quality in which recordings are kept

_RESOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "api_calls": (
        "rate",
        {"title": "API calls", "unit": "calls", "window_seconds": 60, "default_limit": 60, "failure_policy": "local"},
    ),
    "concurrent_assemblies": (
        "concurrency",
        {"title": "Assemblies at once", "unit": "assemblies", "default_limit": 1, "ttl_seconds": 60},
    ),
    "storage_bytes": ("storage", {"title": "Storage", "unit": "bytes", "default_limit": 3 * HOUR_OF_AUDIO_BYTES // 2}),
    "audio_kept": (
        "storage",
        {"title": "Audio kept", "unit": "seconds", "default_limit": 3 * HOUR_SECONDS // 2},
    ),
    "episodes_per_month": (
        "allowance",
        {"title": "Episodes a month", "unit": "episodes", "period": "month", "default_limit": 5},
    ),
}
# None is no limit; a tier that is not named has the default. The first names all tiers, in the order they are sold in.
_POLICIES: dict[str, dict[str, int | None]] = {
    "api_calls": {
        "trial": 60,
        "free": 60,
        "starter": 60,
        "hobby": 120,
        "creator": 300,
        "pro": 600,
        "executive": 1200,
        "enterprise": 6000,
        "unlimited": None,
    },
    "concurrent_assemblies": {"creator": 2, "pro": 3, "executive": 5, "enterprise": 10, "unlimited": None},
    "storage_bytes": {
        "hobby": 2 * HOUR_OF_AUDIO_BYTES,
        "creator": 10 * HOUR_OF_AUDIO_BYTES,
        "pro": 25 * HOUR_OF_AUDIO_BYTES,
        "executive": 50 * HOUR_OF_AUDIO_BYTES,
        "enterprise": None,
        "unlimited": None,
    },
    "audio_kept": {
        "hobby": 2 * HOUR_SECONDS,
        "creator": 10 * HOUR_SECONDS,
        "pro": 25 * HOUR_SECONDS,
        "executive": 50 * HOUR_SECONDS,
        "enterprise": None,
        "unlimited": None,
    },
    "episodes_per_month": {
        "trial": None,
        "creator": 50,
        "pro": 500,
        "executive": 1000,
        "enterprise": None,
        "unlimited": None,
    },
}


def seed() -> None:
    """Define what is not defined; change nothing that is. Levels of storage begin at what is there already."""
    for name, (kind, values) in _RESOURCES.items():
        if not Resource.objects.filter(pk=name).exists():
            create_resource(SYSTEM, name, kind, {**values, "allow_unlimited": True})
            for tier, limit in _POLICIES[name].items():
                set_policy(SYSTEM, tier, name, limit)
            if kind == Resource.Kind.STORAGE:
                request_recount(SYSTEM, name, correct=True)
