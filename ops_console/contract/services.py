"""What operators do about processes: remove those that will not come back."""

from uuid import UUID

from django.db import transaction

from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record
from ops_console.contract.models import Instance, Process
from ops_console.contract.queries import MISSING, State, process
from ops_console.errors import InvalidInput, NotFound
from ops_console.live import publish


def remove_process(actor: Actor, process_id: UUID, reason: str = "") -> Process:
    """Remove a process that is not live. Raises NotAllowed, NotFound, InvalidInput.

    A process that reports again appears again.
    """
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        # The lock keeps a report from coming in between; the state is judged after it.
        Instance.objects.select_for_update().filter(pk=process_id).first()
        found = process(process_id)
        if found.state == State.LIVE:
            raise InvalidInput(
                "process", f"{_label(found)} is live: only a process that does not report can be removed."
            )
        Instance.objects.filter(pk=process_id).delete()
        before = {"state": found.state, "seen_at": found.seen_at}
        record(actor, "process.remove", Target("process", str(found.pk), _label(found)), before=before, reason=reason)
        publish("instances")
    return found


def remove_lost(actor: Actor, service: str, kind: str, reason: str = "") -> int:
    """Remove all crashed and silent processes of a service that were not replaced; how many.

    Raises NotAllowed, NotFound.
    """
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        lost = Process.objects.filter(MISSING, service=service, kind=kind).values_list("pk", flat=True)
        rows = list(Instance.objects.select_for_update().filter(pk__in=lost))
        # Judged again under the lock: some may have reported meanwhile.
        still = Process.objects.filter(MISSING, pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
        removed = list(still)
        if not removed:
            raise NotFound(f"{service} has no crashed or silent process.")
        Instance.objects.filter(pk__in=removed).delete()
        target = Target("service", service, f"{service} ({kind})")
        record(actor, "process.remove_lost", target, before={"lost": len(removed)}, after={"lost": 0}, reason=reason)
        publish("instances")
    return len(removed)


def _label(found: Process) -> str:
    return f"{found.service} on {found.host}, process {found.pid}"
