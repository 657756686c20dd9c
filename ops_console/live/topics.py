"""What a page may follow, and how a notification of the database names it."""

import json

TOPICS = frozenset(
    {"flags", "quotas", "breakers", "operations", "alerts", "audit", "instances", "access", "system", "telemetry"}
)
REFRESH = "refresh"
# A person's sessions ended: their streams are closed, and those of a session that still lives come back by themselves.
SIGNED_OUT = "signed_out"
# Whether the database answers: an event of the stream, never a topic of a panel.
STATUS = "status"
LIVE_CHANNEL = "ops_live"
REVISION_CHANNEL = "ops_revision"


def topics_of(channel: str, payload: str) -> set[str]:
    """The topics that a notification names. Any role may NOTIFY, so what is not ours is left out."""
    try:
        said = json.loads(payload)
    except ValueError:
        return set()
    if not isinstance(said, dict):
        return set()
    if channel == LIVE_CHANNEL and said.get("topic") == SIGNED_OUT:
        return {signed_out_topic(said["user"])} if isinstance(said.get("user"), int) else set()
    if channel == LIVE_CHANNEL:
        return _known([said.get("topic")])
    named = _known(said.get("topics"))
    # A change of configuration was made by somebody: the audit has an entry more.
    return named | {"audit"} if named else named


def signed_out_topic(user_id: int) -> str:
    """The topic by which the hub closes a person's streams. No page is told of it."""
    return f"{SIGNED_OUT}:{user_id}"


def _known(names: object) -> set[str]:
    listed = names if isinstance(names, list) else []
    return {name for name in listed if isinstance(name, str) and name in TOPICS}
