"""Rows of the view of flags, for a store in memory."""

from typing import Any

from ops_client import OpsClient
from ops_client.testing import MemoryStore
from tests.waiting import until

Row = dict[str, Any]


def applied(ops: OpsClient, store: MemoryStore) -> None:
    """Wait for what was set in the store to be in force."""
    until(lambda: ops.status()["revision"] == store.revision, 5, "the new revision")


def flag(name: str = "f", **fields: Any) -> Row:
    """A row of the view of flags; with no rules said, one that lets everybody in."""
    return {"name": name, "everyone": None, "rules": [{"name": "all"}], "archived": False, "version": 3, **fields}


def variant(kind: str, value: str) -> Row:
    return {"name": "v", "weight": 1, "payload": {"type": kind, "value": value}}
