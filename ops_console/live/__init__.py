"""Open pages follow the database: one LISTEN a process, fanned out as server-sent events.

`publish(topic)` tells every open page that something changed; what changed, the page reads itself.
"""

from ops_console.live.publish import publish, publish_sign_out
from ops_console.live.topics import TOPICS

__all__ = ["TOPICS", "publish", "publish_sign_out"]
