"""Four eyes: a change that a rule covers is kept as a request, and applied when a second person approves it.

A service calls `require_approval` inside its transaction, before it writes. Where a rule covers the change, the
transaction is rolled back by ApprovalRequired, and the entry point keeps the draft as a request (`submit`). Approval
calls the registered function with the same arguments, as the person who asked; versions are compared then, as in any
call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.models import User
from ops_console.access.roles import Role, require
from ops_console.approvals.models import SIZED, ApprovalRule, ChangeRequest, Kind
from ops_console.audit.services import Target, check_reason, record, snapshot
from ops_console.errors import Conflict, ConsoleError, InvalidInput, NotAllowed, NotFound
from ops_console.live import publish

LIFETIME = timedelta(days=3)
MOST_OPEN = 200
# Why one person alone applies a change has to be said in more than a word.
LEAST_REASON = 10
_RULE = ("enabled", "threshold")
_CALLS: dict[str, Callable[..., object]] = {}


@dataclass(frozen=True)
class Draft:
    """A change before it is made. `arguments` are JSON; a threshold is compared with `size`, None is unbounded."""

    kind: Kind
    call: str
    arguments: Mapping[str, Any]
    target: Target
    summary: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""
    size: int | None = None
    role: Role = Role.OPERATOR


class ApprovalRequired(ConsoleError):
    """The change is not made: it waits for a second person. `draft` is what would be asked for."""

    status = 202
    code = "approval_required"

    def __init__(self, draft: Draft) -> None:
        super().__init__("This change needs the approval of a second person. Request it on the console's pages.")
        self.draft = draft


def approvable(call: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what applies requests of this call: a function of the actor and the draft's arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _CALLS[call] = function
        return function

    return register


def require_approval(actor: Actor, draft: Draft) -> None:
    """Raise ApprovalRequired where a rule covers the change, unless it is being applied by approval."""
    is_person = actor.approval is None and actor.via in ("web", "admin", "api", "cli")
    if is_person and _is_covered(draft.kind, draft.size):
        raise ApprovalRequired(draft)


def refuse_unapproved(kind: Kind, size: int | None) -> None:
    """For Django's admin, which makes no requests: raise InvalidInput where a rule covers the change."""
    if _is_covered(kind, size):
        raise InvalidInput("limit", "This needs the approval of a second person: make the change on its own page.")


def _is_covered(kind: Kind, size: int | None) -> bool:
    rule = ApprovalRule.objects.filter(kind=kind, enabled=True).first()
    if rule is None:
        return False
    return kind not in SIZED or size is None or rule.threshold is None or size > rule.threshold


@transaction.atomic
def submit(actor: Actor, draft: Draft) -> ChangeRequest:
    """Keep a draft as a request; the same one twice is one. Raises NotAllowed, InvalidInput where too many are open."""
    require(actor, Role.OPERATOR)
    opened = ChangeRequest.objects.filter(state=ChangeRequest.State.OPEN, expires_at__gt=timezone.now())
    same = opened.filter(call=draft.call, arguments=dict(draft.arguments), requester_id=actor.user_id).first()
    if same is not None:
        return same
    if opened.count() >= MOST_OPEN:
        raise InvalidInput("request", f"{MOST_OPEN} requests are open already. Decide or withdraw some first.")
    made = ChangeRequest.objects.create(
        kind=draft.kind,
        call=draft.call,
        arguments=dict(draft.arguments),
        role=draft.role,
        target_type=draft.target.type,
        target_id=draft.target.id,
        summary=draft.summary[:300],
        before=draft.before,
        after=draft.after,
        reason=draft.reason,
        requester_id=actor.user_id,
        requester_name=actor.name,
        expires_at=timezone.now() + LIFETIME,
    )
    record(
        actor,
        "change_request.create",
        target_of(made),
        before=_json(draft.before),
        after=_json(draft.after),
        reason=draft.reason,
    )
    publish("approvals")
    return made


def approve(actor: Actor, request_id: int, note: str = "") -> ChangeRequest:
    """Apply a request of somebody else's.

    Raises NotAllowed (one's own, or the role does not reach), ReauthenticationRequired, NotFound, and Conflict when it
    is decided. A change that cannot be made any more is kept as failed, with why.
    """
    with transaction.atomic():
        found = _locked(actor, request_id)
        if actor.user_id is None or found.requester_id == actor.user_id:
            raise NotAllowed("A second person has to approve this: you asked for it.")
        if actor.via != "web":
            raise NotAllowed("People approve on the console's pages, not programs.")
        _apply(actor, found, f"approved by {actor.name}")
        return _decided(actor, found, "approve", note)


def break_glass(actor: Actor, request_id: int, reason: str) -> ChangeRequest:
    """Apply a request without a second person. It is marked, and an alert says so.

    Raises as `approve`, and InvalidInput for a reason that says too little.
    """
    with transaction.atomic():
        found = _locked(actor, request_id)
        if actor.via != "web":
            raise NotAllowed("Only a person on the console's pages can do without approval.")
        if len(reason.strip()) < LEAST_REASON:
            raise InvalidInput("note", f"Say why this cannot wait, in {LEAST_REASON} characters or more.")
        _apply(actor, found, f"without approval, by {actor.name}")
        found.broke_glass = found.state == ChangeRequest.State.APPLIED
        return _decided(actor, found, "break_glass", reason)


def reject(actor: Actor, request_id: int, note: str = "") -> ChangeRequest:
    """Say no; whoever asked withdraws by it. Raises as `approve`."""
    with transaction.atomic():
        found = _locked(actor, request_id)
        own = actor.user_id is not None and found.requester_id == actor.user_id
        found.state = ChangeRequest.State.WITHDRAWN if own else ChangeRequest.State.REJECTED
        return _decided(actor, found, "withdraw" if own else "reject", note)


@transaction.atomic
def set_rule(
    actor: Actor, kind: str, enabled: bool, threshold: int | None, version: int, reason: str = ""
) -> ApprovalRule:
    """Set what needs a second person. To loosen a rule in force needs one too.

    Raises NotAllowed, ReauthenticationRequired, InvalidInput, Conflict, ApprovalRequired.
    """
    require_recent_proof(actor, Role.ADMIN)
    if kind not in Kind.values:
        raise InvalidInput("kind", f"A rule is about one of {', '.join(Kind.values)}.")
    threshold = threshold if kind in SIZED else None
    ApprovalRule.objects.get_or_create(pk=kind)
    rule = ApprovalRule.objects.select_for_update().get(pk=kind)
    if rule.version != version:
        current = {"version": rule.version, **snapshot(rule, _RULE)}
        submitted = {"version": version, "enabled": enabled, "threshold": threshold}
        raise Conflict(
            "Somebody changed this rule while you were looking.", current, submitted, ("approval_rule", kind)
        )
    before = snapshot(rule, _RULE)
    after = {"enabled": enabled, "threshold": threshold}
    if before == after:
        return rule
    target = Target("approval_rule", kind, Kind(kind).label)
    if rule.enabled and (not enabled or _is_looser(threshold, rule.threshold)):
        arguments = {"kind": kind, **after, "version": version, "reason": reason}
        summary = f"Loosen the rule: {target.label.lower()}"
        require_approval(
            actor,
            Draft(
                Kind(kind), "approvals.set_rule", arguments, target, summary, before, after, reason, None, Role.ADMIN
            ),
        )
    rule.enabled, rule.threshold, rule.version = enabled, threshold, rule.version + 1
    rule.save()
    record(actor, "approval_rule.edit", target, before=before, after=after, reason=reason)
    return rule


approvable("approvals.set_rule")(set_rule)


def target_of(request: ChangeRequest) -> Target:
    return Target("change_request", str(request.pk), request.summary)


def _is_looser(threshold: int | None, before: int | None) -> bool:
    return threshold is not None and (before is None or threshold > before)


def _locked(actor: Actor, request_id: int) -> ChangeRequest:
    found = ChangeRequest.objects.select_for_update().filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request.")
    require_recent_proof(actor, Role(found.role))
    if not found.is_open:
        raise Conflict("This request is decided or has expired.", {"state": found.state}, {"state": "applied"})
    return found


def _apply(actor: Actor, found: ChangeRequest, how: str) -> None:
    """Call the service as the person who asked, as they are now."""
    requester = User.objects.filter(pk=found.requester_id or 0, is_active=True).first()
    found.state = ChangeRequest.State.FAILED
    if requester is None or found.call not in _CALLS:
        found.problem = f"{found.requester_name} is not active any more." if requester is None else "Unknown change."
        return
    acting = replace(
        actor, name=requester.username, role=requester.role, user_id=requester.pk, credential=how, approval=found.pk
    )
    try:
        with transaction.atomic():
            _CALLS[found.call](acting, **found.arguments)
    except ConsoleError as error:
        found.problem = error.message
    else:
        found.state = ChangeRequest.State.APPLIED


def _decided(actor: Actor, found: ChangeRequest, verb: str, note: str) -> ChangeRequest:
    check_reason(note)
    found.decided_by, found.decided_at, found.note = actor.name, timezone.now(), note.strip()
    found.save()
    after = {"state": found.state} | ({"problem": found.problem} if found.problem else {})
    record(actor, f"change_request.{verb}", target_of(found), before={"state": "open"}, after=after, reason=note)
    publish("approvals")
    return found


def _json(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(values)
