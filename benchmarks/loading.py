"""Loading 10,000 flags: from the rows to answers out of a new snapshot, at first and when one of them has changed."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.work import PERCENT, WANTED
from ops_client import OpsClient
from ops_client.flags.client import FlagClient
from ops_client.testing import MemoryStore

MANY = 10_000
ROUNDS = 7


def loading() -> dict[str, float]:
    """Milliseconds of CPU, the median of some rounds: everything that happens before the new answers are in force."""
    first, change, look_through = [], [], []
    for revision in range(2, 2 + 2 * ROUNDS, 2):
        with OpsClient("", service="bench", store=MemoryStore(), snapshot_path=None) as client:
            flags = client.flags
            fresh = rows()
            # As the store gives them: rows that did not change are the objects that they were.
            changed = [*fresh[:7], {**fresh[7], "everyone": True}, *fresh[8:]]
            first.append(milliseconds(partial(apply_and_ask, flags, fresh, revision)))
            look_through.append(milliseconds(flags.problems))
            change.append(milliseconds(partial(apply_and_ask, flags, changed, revision + 1)))
    return {
        "load_10000_flags_ms": round(statistics.median(first), 1),
        "load_with_one_changed_ms": round(statistics.median(change), 1),
        "look_through_in_background_ms": round(statistics.median(look_through), 1),
    }


def apply_and_ask(client: FlagClient, flags: list[dict[str, Any]], revision: int) -> None:
    client.apply({"flags": flags, "segments": []}, revision)
    client.is_enabled("many_7", {"tier": "pro", "user_id": "1"})


def rows() -> list[dict[str, Any]]:
    """As the contract gives them, all different objects."""
    return [
        {
            "name": f"many_{number}",
            "everyone": None,
            "percent": None,
            "languages": "",
            "groups": [],
            "users": [],
            "rules": [
                {
                    "constraints": [{"field": "tier", "operator": "IN", "values": list(WANTED)}],
                    "percent": PERCENT,
                }
            ],
            "archived": False,
            "version": 1,
            "variants": [],
            "prerequisites": [],
        }
        for number in range(MANY)
    ]


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time of this thread."""
    before = time.thread_time()
    work()
    return (time.thread_time() - before) * 1000
