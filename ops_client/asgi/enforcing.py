"""Limits are mandatory in production: without them a process does not start, unless a setting says that it is meant."""

import logging
import os

from ops_client.errors import OpsError
from ops_client.quotas.client import QuotaClient

logger = logging.getLogger("ops_client")
# `OPS_QUOTAS=off` limits no request. In production the second one has to say that this is meant.
SWITCH, PERMISSION = "OPS_QUOTAS", "OPS_QUOTAS_MAY_BE_OFF"
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class QuotasOff(OpsError):
    """A backend in production whose requests would not be limited: it does not start."""

    def __init__(self) -> None:
        message = f"Limits on requests are off ({SWITCH}) in production. Turn them on, or say {PERMISSION}=1."
        super().__init__("quotas_off", message)


def is_enforced(quotas: QuotaClient, debug: bool = False) -> bool:
    """Whether requests are limited in this process; where not, the System page hears why. Raises QuotasOff."""
    if os.environ.get(SWITCH, "on").strip().lower() not in _NO:
        return True
    if not debug and os.environ.get(PERMISSION, "").strip().lower() not in _YES:
        raise QuotasOff
    quotas.told_off(f"Requests are not limited in this process: {SWITCH} is off.")
    logger.warning("ops_client: requests are not limited: %s is off", SWITCH)
    return False
