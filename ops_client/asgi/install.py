"""Adds the middlewares to an application in the one order in which browsers can read every refusal."""

from collections.abc import Mapping
from typing import Any, Protocol

from ops_client.asgi.body_limit import BodyLimitMiddleware
from ops_client.asgi.enforcing import is_enforced
from ops_client.asgi.quotas import QuotaMiddleware
from ops_client.asgi.request_id import HEADER, RequestIdMiddleware
from ops_client.asgi.unhandled import UnhandledErrorMiddleware
from ops_client.errors import InvalidInput, OpsError
from ops_client.quotas.client import QuotaClient

# Without these a script in a browser sees a refusal and not when to come again.
EXPOSED_HEADERS = ("RateLimit", "RateLimit-Policy", "Retry-After", HEADER)


class Application(Protocol):
    """Starlette, FastAPI and others whose middleware that was added last is the outermost."""

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None: ...


def install(
    app: Application,
    quotas: QuotaClient | None = None,
    *,
    body_limit_bytes: int | None = None,
    cors: Mapping[str, Any] | None = None,
    debug: bool = False,
    **limits: Any,
) -> None:
    """Add the middlewares: CORS outermost, then request id, the answer to unhandled errors, body limit, and quotas next
    to the application.

    `quotas` limits requests with `limits`, the options of QuotaMiddleware. `cors` are the options of Starlette's
    CORSMiddleware. Where the application has a CORSMiddleware already, it is moved outermost instead; either exposes
    the headers of refusals. Middlewares that are added later enclose all of these, which is right for CORS.

    Raises InvalidInput on options that contradict each other and on a second call, and QuotasOff where `OPS_QUOTAS` is
    off, `debug` is too, and `OPS_QUOTAS_MAY_BE_OFF` does not allow it.
    """
    added: list[Any] = getattr(app, "user_middleware", [])
    if any(each.cls is RequestIdMiddleware for each in added):
        raise InvalidInput("app", "has these middlewares already: call install once, with all options")
    if limits and quotas is None:
        raise InvalidInput("quotas", f"is needed for {', '.join(sorted(limits))}")
    own_cors = [each for each in added if getattr(each.cls, "__name__", "").endswith("CORSMiddleware")]
    if cors is not None and own_cors:
        raise InvalidInput("cors", "is given twice: the application has a CORSMiddleware already")

    # The last to be added is the outermost.
    if quotas is not None and is_enforced(quotas, debug):
        app.add_middleware(QuotaMiddleware, quotas=quotas, debug=debug, **limits)
    if body_limit_bytes is not None:
        app.add_middleware(BodyLimitMiddleware, limit_bytes=body_limit_bytes)
    app.add_middleware(UnhandledErrorMiddleware)
    app.add_middleware(RequestIdMiddleware)
    if cors is not None:
        app.add_middleware(_starlette_cors(), **_exposing(cors))
    for each in own_cors:
        added.remove(each)
        each.kwargs = _exposing(each.kwargs)
        added.insert(0, each)


def _exposing(options: Mapping[str, Any]) -> dict[str, Any]:
    known = list(options.get("expose_headers", ()))
    lower = {name.lower() for name in known}
    return {**options, "expose_headers": [*known, *(name for name in EXPOSED_HEADERS if name.lower() not in lower)]}


def _starlette_cors() -> Any:
    try:
        from starlette.middleware.cors import CORSMiddleware
    except ImportError as error:
        raise OpsError("missing_package", "The option cors needs Starlette: pip install starlette.") from error
    return CORSMiddleware
