"""What each verb is: the one table that pages, dry runs, release and audit read."""

from dataclasses import dataclass

from incidents.operations.models import Verb
from incidents.operations.sources import Source
from incidents.operations.sources.schema import LiveTable


@dataclass(frozen=True)
class Rule:
    """`does` and `done` are words for people; `command` is what a backend is told, "" for nothing.

    `counts` raises the number of attempts; `is_command` raises the version, so that what works under an older one
    comes too late; `needs_reason` also where it is a single operation.
    """

    does: str
    done: str
    command: str = ""
    counts: bool = False
    is_command: bool = True
    needs_reason: bool = True
    danger: bool = False

    @property
    def hands_over(self) -> bool:
        """Whether a backend gets the work to do again, with a payload of the source's making."""
        return self.command == "retry"


RULES: dict[Verb, Rule] = {
    Verb.RETRY: Rule("Retry", "retried", command="retry", counts=True, needs_reason=False),
    Verb.FAIL: Rule("Fail", "failed", danger=True),
    Verb.RESOLVE: Rule("Mark resolved", "marked resolved"),
    Verb.SNOOZE: Rule("Snooze", "snoozed", is_command=False, needs_reason=False),
    Verb.RELEASE: Rule("Release", "released", command="retry", needs_reason=False),
    Verb.FREE: Rule("Free resources of", "freed", command="free"),
    Verb.TAKE_BACK: Rule("Take back", "taken back"),
}


def allowed_statuses(source: Source, live: LiveTable, verb: str) -> list[str]:
    """The statuses in which an operation can be acted on so; none where the source has no such act."""
    states = {
        Verb.RETRY: (source.stuck_statuses, source.failed),
        Verb.FAIL: (source.in_progress, source.waiting),
        Verb.RESOLVE: (source.in_progress, source.waiting, source.failed),
        Verb.SNOOZE: (source.stuck_statuses,),
        Verb.RELEASE: (source.waiting,),
        Verb.FREE: (source.failed,),
    }[Verb(verb)]
    held = [label for labels in states for label in labels]
    return [label for label in held if live.has_label(source.status_column, label)]


def new_status(source: Source, verb: str) -> str:
    """The status that the verb sets; "" where it leaves the row as it is."""
    return {
        Verb.RETRY: source.retry_status,
        Verb.RELEASE: source.retry_status,
        Verb.FAIL: source.fail_status,
        Verb.RESOLVE: source.done_status,
    }.get(Verb(verb), "")


def needed_columns(source: Source, verb: str) -> tuple[str, ...]:
    """Columns that must hold something before the verb is right."""
    return source.done_needs if verb == Verb.RESOLVE else ()


def says_what(source: Source, verb: str) -> str:
    """What happens to each operation, as the end of "will be ..."."""
    return {
        Verb.RETRY: "sent to the backend again, with the same id",
        Verb.RELEASE: "sent to the backend now, with the same id",
        Verb.FAIL: f"set to {source.fail_status}, with your reason",
        Verb.RESOLVE: f"set to {source.done_status}",
        Verb.SNOOZE: "hidden from the stuck list until the given time",
        Verb.FREE: "sent to the backend, which frees the resources",
    }[Verb(verb)]
