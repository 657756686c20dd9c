"""Why a flag answers as it does, for any context: the backends' own explanation, on what stands in the database."""

from typing import Any

from flags import evaluation
from flags.models import Presence
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.context import Context
from ops_client.flags.explain import Explanation
from ops_console import directory


def why(name: str, context: Context, default: bool = False) -> Explanation:
    """What a backend with this context is answered, and why. A name that is none answers the default."""
    known = evaluation.definitions(name)
    segments = evaluation.segments(evaluation.segments_named_by(known.values()))
    return compile_snapshot(known.values(), 0, segments.values()).explain(name, context, default)


def known_context(user_id: str) -> dict[str, Any]:
    """What is known of a user: the tier in the directory, and what a backend last said when it saw them."""
    user_id = user_id.replace("\0", "")
    person = directory.get(user_id)
    seen = Presence.objects.filter(pk=user_id).first()
    attributes = seen.attributes if seen and isinstance(seen.attributes, dict) else {}
    return {"user_id": user_id, **({"tier": person.tier} if person and person.tier else {}), **attributes}
