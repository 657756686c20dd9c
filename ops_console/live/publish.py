"""Telling open pages that something changed."""

import json
import time

from django.db import connection

from ops_console.live.topics import LIVE_CHANNEL, SIGNED_OUT, TOPICS

_last: dict[str, float] = {}


def publish(topic: str, at_most_every_seconds: float = 0) -> None:
    """Notify open pages when the current transaction commits (at once outside of one).

    For transitions, and for progress with `at_most_every_seconds=1`; never for an event of every request:
    a NOTIFY takes one lock for all at commit. Configuration needs no call: its revision notifies.
    Raises ValueError on a topic that no page can follow.
    """
    if topic not in TOPICS:
        raise ValueError(f"There is no live topic {topic!r}; known are {', '.join(sorted(TOPICS))}.")
    now = time.monotonic()
    if at_most_every_seconds and now - _last.get(topic, -at_most_every_seconds) < at_most_every_seconds:
        return
    _last[topic] = now
    _notify({"topic": topic})


def publish_sign_out(user_id: int) -> None:
    """Close the streams of somebody's pages, on every web process, when the current transaction commits."""
    _notify({"topic": SIGNED_OUT, "user": user_id})


def _notify(payload: dict[str, object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [LIVE_CHANNEL, json.dumps(payload)])
