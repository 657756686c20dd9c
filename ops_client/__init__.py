"""The backend's side of Ops Console: flags, quotas, breakers and operations over one PostgreSQL database.

Importing `OpsClient` brings psycopg with it; the pure parts (`ops_client.flags.evaluate` and the like) do not.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ops_client.client import OpsClient

__all__ = ["OpsClient", "__version__"]


def __getattr__(name: str) -> Any:
    # Late, so that the console can use the evaluator without a second pool's library being set up.
    if name == "OpsClient":
        from ops_client.client import OpsClient

        return OpsClient
    raise AttributeError(f"module 'ops_client' has no attribute {name!r}")
