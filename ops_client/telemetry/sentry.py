"""Sending errors to Sentry, for those who want it: `pip install ops-client[sentry]`."""

from typing import Any

from ops_client.errors import InvalidInput, OpsError
from ops_client.telemetry.scrub import scrubbed


def start_sentry(dsn: str, *, service: str, version: str = "", environment: str = "", transport: Any = None) -> bool:
    """Start sending this process's errors, without secrets and local variables. False when `dsn` is empty.

    Call it once, early. Raises InvalidInput on an address that is none, OpsError when sentry-sdk is missing.
    `transport` replaces the way out, for tests.
    """
    if not dsn:
        return False
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise OpsError(
            "missing_package", "Install sentry-sdk to send errors: pip install ops-client[sentry]."
        ) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"{service}@{version}" if version else None,
            environment=environment or None,
            server_name=service,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="small",
            before_send=lambda event, hint: scrubbed(event),  # type: ignore[arg-type, return-value]
            before_breadcrumb=lambda crumb, hint: scrubbed(crumb),
            transport=transport,
        )
    except BadDsn as error:
        raise InvalidInput("dsn", "a Sentry address reads https://KEY@HOST/PROJECT") from error
    return True
