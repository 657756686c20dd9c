"""Refusals to be stored: counted in memory, written every few seconds, bounded in number."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ops_client.batches import write_each
from ops_client.errors import StoreUnavailable
from ops_client.quotas.call import Call, current_call
from ops_client.quotas.decide import Decision
from ops_client.quotas.use import Use
from ops_client.store import Store
from ops_client.text import replace_unstorable

# A client in a tight loop makes one row; a thousand clients at once make this many.
MOST_ROWS = 500
_Key = tuple[str, str, str, str, bool]


@dataclass
class _Refused:
    decision: Decision
    call: Call
    count: int


class Refusals:
    """One process's refusals that are not written yet. `dropped` are those that were never written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[_Key, _Refused] = {}
        self.dropped = 0

    def note(self, use: Use, decision: Decision, shadow: bool) -> None:
        """Remember a refusal under the call that is being served."""
        call = current_call.get()
        key = (use.resource, use.user_id, call.route, decision.policy, shadow)
        with self._lock:
            known = self._waiting.get(key)
            if known is not None:
                known.decision, known.call, known.count = decision, call, known.count + 1
            elif len(self._waiting) < MOST_ROWS:
                self._waiting[key] = _Refused(decision, call, 1)
            else:
                self.dropped += 1

    def tell(self, store: Store, service: str) -> None:
        """Write what has gathered. What cannot be written is lost: it is evidence, not account."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}

        def write(rows: Sequence[dict[str, Any]]) -> None:
            store.fetch("quota_report_refusals", service=service, refused=list(rows))

        rows = [_row(key, refused) for key, refused in waiting.items()]
        try:
            self.dropped += write_each(rows, write, "quota refusals")
        except StoreUnavailable:
            self.dropped += len(waiting)
            raise


def _row(key: _Key, refused: _Refused) -> dict[str, Any]:
    resource, user_id, route, policy, shadow = key
    return {
        "resource": resource[:63],
        "user_id": user_id,
        "route": _text(route, 300),
        "key": _text(refused.call.key, 200),
        "client": _text(refused.call.client, 200),
        "request_id": _text(refused.call.request_id, 64),
        "limit_value": refused.decision.limit,
        "source": refused.decision.source.value,
        "policy": policy,
        "shadow": shadow,
        "count": refused.count,
    }


def _text(value: str, length: int) -> str:
    return str(replace_unstorable(value[:length]))
