"""The sweep: what it does in one run, and who may let it."""

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from incidents.operations import services as operations
from incidents.operations.eligibility import why_verb_not
from incidents.operations.outbox import is_handled
from incidents.operations.queries import unavailable
from incidents.operations.sources import all_sources, source_of
from incidents.sweep.detection import Found, detect, mass_stop, usual_most
from incidents.sweep.models import Arming, Run
from ops_client.json_types import same_json
from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.roles import Role, require
from ops_console.approvals.models import Kind
from ops_console.approvals.services import Draft, approvable, require_approval
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import ConsoleError, InvalidInput, NotFound
from ops_console.live import publish

log = structlog.get_logger(__name__)
SWEEP = Actor(name="sweep", role=Role.OPERATOR, via="sweep")
REASON = "operation_timeout"


def sweep_all() -> list[Run]:
    """One run of every kind that can be listed here; one that fails keeps no other from being looked at."""
    runs = []
    for kind in all_sources():
        if not unavailable(source_of(kind)):
            try:
                runs.append(sweep(kind))
            except (ConsoleError, DatabaseError) as error:
                log.warning("sweep_failed", kind=kind, error=str(error))
    return runs


def sweep(kind: str) -> Run:
    """Look at one kind; fail what is stuck where it is armed and no mass stop. Raises SourceUnavailable, NotFound."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"ops.sweep.{kind}"])
        found, most = detect(kind), usual_most(kind)
        run = Run(kind=kind, dead=found.dead, suspected=found.suspected, most=most, first_ids=found.first_ids)
        run.started_at = timezone.now()
        _decide(run, found)
        run.save()
        publish("operations")
    log.info("swept", kind=kind, result=run.result, dead=run.dead, suspected=run.suspected, action=run.action_id)
    return run


def _decide(run: Run, found: Found) -> None:
    if not found.total:
        run.result = Run.Result.NOTHING
    elif why := mass_stop(run.kind, found, run.most):
        run.result, run.detail = Run.Result.MASS_STOP, why
    elif not Arming.objects.filter(kind=run.kind, armed=True).exists():
        run.result, run.detail = Run.Result.DRY_RUN, "Not armed: this is what would have been failed."
    else:
        run.result, run.action_id = Run.Result.FAILED, _fail(run.kind, found)


def _fail(kind: str, found: Found) -> int:
    """The same path as an operator's bulk; what is failed is told, and what it leaves behind is freed last."""
    options = operations.Options(notifies=True, frees=is_handled(kind, "free"))
    action = operations.start(SWEEP, found.scopes[0], "fail", REASON, options=options, also=found.scopes[1:])
    return int(action.pk)


def arm(actor: Actor, kind: str, most: int | None, reason: str) -> Arming:
    """Let the sweep fail what is stuck of a kind. Raises NotAllowed, NotFound, InvalidInput."""
    require_recent_proof(actor, Role.ADMIN)
    source = source_of(kind)
    if why_not := why_verb_not(source, source.live(), "fail"):
        raise InvalidInput("kind", why_not)
    if most is not None and most < 1:
        raise InvalidInput("most", "At least one at once is usual; leave it empty to have it counted.")
    armed = Arming.objects.filter(kind=kind, armed=True).values("most").first()
    if not armed or armed["most"] != most:
        target, after = Target("sweep", kind, kind), {"armed": True, "most": most}
        arguments = {"kind": kind, "most": most, "reason": reason}
        before = {"armed": bool(armed), "most": armed["most"] if armed else None}
        summary = f"Arm the sweep of {kind}"
        require_approval(
            actor, Draft(Kind.ARMING, "sweep.arm", arguments, target, summary, before, after, reason, None, Role.ADMIN)
        )
    return _set(actor, kind, armed=True, most=most, reason=reason)


approvable("sweep.arm")(arm)


def disarm(actor: Actor, kind: str, reason: str = "") -> Arming:
    """Back to dry runs, at once. Raises NotAllowed, NotFound where it was never armed."""
    require(actor, Role.OPERATOR)
    known = Arming.objects.filter(kind=kind).first()
    if known is None:
        raise NotFound(f"The sweep of {kind} was never armed.")
    return _set(actor, kind, armed=False, most=known.most, reason=reason)


def _set(actor: Actor, kind: str, *, armed: bool, most: int | None, reason: str) -> Arming:
    fields = ("armed", "most")
    with transaction.atomic():
        row, _ = Arming.objects.select_for_update().get_or_create(kind=kind)
        before = snapshot(row, fields)
        if same_json(before, {"armed": armed, "most": most}):
            return row
        row.armed, row.most, row.changed_by, row.changed_at = armed, most, actor.name, timezone.now()
        row.save()
        what = "sweep.arm" if armed else "sweep.disarm"
        record(actor, what, Target("sweep", kind, kind), before=before, after=snapshot(row, fields), reason=reason)
        publish("operations")
    return row
