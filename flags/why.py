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


def unknown_user(user_id: str) -> tuple[str, directory.Person | None]:
    """Why this is no user id, "" where it is one; and the user who has it as a mail address.

    A user whom a backend has seen is known. While the directory cannot be read, every id is taken as it is.
    """
    if not user_id or Presence.objects.filter(pk=user_id).exists():
        return "", None
    try:
        if directory.get(user_id) is not None:
            return "", None
        meant = directory.named([user_id]).get(user_id)
    except directory.DirectoryUnavailable:
        return "", None
    if meant is not None:
        return f"{user_id} is a mail address, not a user id.", meant
    return f"No user has the id {user_id}, and no backend has seen one.", None


def known_context(user_id: str) -> dict[str, Any]:
    """What is known of a user: the tier in the directory, and what a backend last said when it saw them.

    While the directory cannot be read, the tier is unknown.
    """
    user_id = user_id.replace("\0", "")
    try:
        person = directory.get(user_id)
    except directory.DirectoryUnavailable:
        person = None
    seen = Presence.objects.filter(pk=user_id).first()
    attributes = seen.attributes if seen and isinstance(seen.attributes, dict) else {}
    return {"user_id": user_id, **({"tier": person.tier} if person and person.tier else {}), **attributes}
