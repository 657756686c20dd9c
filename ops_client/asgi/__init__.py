"""ASGI middlewares for a backend, without a framework, and `install`, which adds them in the right order."""

from ops_client.asgi.body_limit import BodyLimitMiddleware
from ops_client.asgi.install import install
from ops_client.asgi.quotas import Caller, QuotaMiddleware
from ops_client.asgi.request_id import RequestIdMiddleware, current_request_id
from ops_client.asgi.route_costs import route_costs

__all__ = [
    "BodyLimitMiddleware",
    "Caller",
    "QuotaMiddleware",
    "RequestIdMiddleware",
    "current_request_id",
    "install",
    "route_costs",
]
