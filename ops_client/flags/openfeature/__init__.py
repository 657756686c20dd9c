"""Flags through OpenFeature, for code that knows only its API. Needs `ops-client[openfeature]`."""

from ops_client.flags.openfeature.provider import OpsProvider

__all__ = ["OpsProvider"]
