"""What a page may follow, and how a notification of the database names it."""

import json

TOPICS = frozenset(
    {
        "flags",
        "quotas",
        "breakers",
        "operations",
        "alerts",
        "approvals",
        "audit",
        "instances",
        "access",
        "system",
        "telemetry",
    }
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
    if channel == REVISION_CHANNEL:
        # The payload is the topic. A change of configuration was made by somebody: the audit has an entry more.
        return {payload, "audit"} if payload in TOPICS else set()
    try:
        said = json.loads(payload)
    except ValueError:
        return set()
    if not isinstance(said, dict):
        return set()
    if said.get("topic") == SIGNED_OUT:
        return {signed_out_topic(said["user"])} if isinstance(said.get("user"), int) else set()
    topic = said.get("topic")
    return {topic} if isinstance(topic, str) and topic in TOPICS else set()


def signed_out_topic(user_id: int) -> str:
    """The topic by which the hub closes a person's streams. No page is told of it."""
    return f"{SIGNED_OUT}:{user_id}"
