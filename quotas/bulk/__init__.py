"""Many overrides at once: read from a table, planned row by row, then given one by one through the one service."""

from quotas.bulk.applying import Done, apply
from quotas.bulk.planning import Outcome, Planned, fingerprint, plan
from quotas.bulk.table import COLUMNS, Asked, export_rows, read_table, write_table

__all__ = [
    "COLUMNS",
    "Asked",
    "Done",
    "Outcome",
    "Planned",
    "apply",
    "export_rows",
    "fingerprint",
    "plan",
    "read_table",
    "write_table",
]
