"""Flags that come from Unleash: its client features document, translated into our rules with every bucket kept."""

from ops_client.flags.unleash.flagset import FlagSet, load
from ops_client.flags.unleash.names import context
from ops_client.flags.unleash.translate import rows

__all__ = ["FlagSet", "context", "load", "rows"]
