"""What admins decide: which resources there are, and what each tier may use of them."""

from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction

from ops_client.json_types import same_json
from ops_client.quotas.decide import LARGEST_LIMIT
from ops_client.text import is_storable
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.approvals.models import Kind
from ops_console.approvals.services import Draft, approvable, require_approval
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound
from quotas.limits import checked_limit
from quotas.models import Override, Policy, Resource
from quotas.services import locked_resource

EDITABLE = (
    "title",
    "unit",
    "window_seconds",
    "period",
    "timezone",
    "ttl_seconds",
    "default_limit",
    "allow_unlimited",
    "shadow",
    "cost",
    "warn_percent",
    "nearly_percent",
    "failure_policy",
    "deadline_ms",
)
_POLICY = ("limit", "trial_limit")
LONGEST_WINDOW_SECONDS = 31 * 24 * 3600


def set_policy(actor: Actor, tier: str, resource_name: str, limit: int | None, version: int = 0) -> Policy:
    """What a tier may use; None is no limit. What was on trial beside it ends. `version` is what was read, 0: none.

    Nothing is written where nothing changes.
    Raises NotAllowed, NotFound, InvalidInput, and Conflict when somebody else was faster.
    """
    return _put_policy(actor, "policy.set", tier, resource_name, {"limit": limit, "trial_limit": None}, version)


def try_policy(actor: Actor, tier: str, resource_name: str, trial_limit: int | None, version: int = 0) -> Policy:
    """Put a limit on trial beside the one in force: whoever is over it is recorded, and let through. None ends it.

    A tier without a policy gets one with the default's limit. Raises as `set_policy`.
    """
    return _put_policy(actor, "policy.try", tier, resource_name, {"trial_limit": trial_limit}, version)


def remove_policy(actor: Actor, tier: str, resource_name: str, version: int) -> None:
    """The tier has the resource's default again. Raises as `set_policy`."""
    require(actor, Role.ADMIN)
    with transaction.atomic():
        resource = locked_resource(resource_name)
        policy = Policy.objects.filter(resource=resource, tier=tier).first()
        if policy is None:
            raise NotFound(f"The tier {tier[:50]!r} has no policy of {resource.name} any more.")
        target, before = policy_target(policy), snapshot(policy, _POLICY)
        _require_policy_version(policy, version, {"limit": "removed"}, target)
        policy.delete()
        record(actor, "policy.remove", target, before=before)


def create_resource(actor: Actor, name: str, kind: str, values: dict[str, Any], reason: str = "") -> Resource:
    """Define a resource. Its name and kind never change, since backends call it by them. Raises InvalidInput."""
    require(actor, Role.ADMIN)
    if kind not in Resource.Kind.values:
        raise InvalidInput("kind", f"kind: is one of {', '.join(Resource.Kind.values)}.")
    with transaction.atomic():
        if Resource.objects.filter(pk=name).exists():
            raise InvalidInput("name", f"name: there is a resource named {name} already.")
        resource = Resource(name=name, kind=kind, **_editable(values))
        check_resource(resource)
        resource.save(force_insert=True)
        after = snapshot(resource, EDITABLE)
        record(actor, "resource.create", resource_target(resource), after=after, reason=reason)
    return resource


def edit_resource(actor: Actor, name: str, values: dict[str, Any], version: int | None, reason: str = "") -> Resource:
    """Change what a resource is; `version` None is whatever is stored now. Writes nothing where nothing changes.

    Raises NotFound, InvalidInput, and Conflict when somebody else was faster.
    """
    require(actor, Role.ADMIN)
    with transaction.atomic():
        resource = locked_resource(name)
        before = snapshot(resource, EDITABLE)
        if version is not None and resource.version != version:
            current = {**before, "version": resource.version}
            raise Conflict(
                f"{name} was changed while you were editing it.",
                current,
                {**current, **values, "version": version},
                ("resource", name),
            )
        for field, value in _editable(values).items():
            setattr(resource, field, value)
        check_resource(resource)
        after = snapshot(resource, EDITABLE)
        if same_json(before, after):
            return resource
        resource.version += 1
        resource.save()
        record(actor, "resource.edit", resource_target(resource), before=before, after=after, reason=reason)
    return resource


def check_resource(resource: Resource) -> None:
    """Raise InvalidInput naming the field that cannot be."""
    try:
        resource.clean_fields()
    except ValidationError as error:
        field, errors = next(iter(error.error_dict.items()))
        raise InvalidInput(field, f"{field}: {errors[0].messages[0]}") from error
    kind = Resource.Kind
    if resource.kind == kind.RATE and not 1 <= (resource.window_seconds or 0) <= LONGEST_WINDOW_SECONDS:
        raise InvalidInput("window_seconds", f"window_seconds: a rate has one of 1 to {LONGEST_WINDOW_SECONDS:,} s.")
    if resource.kind == kind.ALLOWANCE and resource.period not in Resource.Period.values:
        raise InvalidInput("period", f"period: an allowance has one: {', '.join(Resource.Period.values)}.")
    if resource.timezone not in available_timezones():
        raise InvalidInput("timezone", f"timezone: {resource.timezone!r} is none; give one such as Europe/Prague.")
    if resource.failure_policy == Resource.FailurePolicy.LOCAL and resource.kind != kind.RATE:
        raise InvalidInput("failure_policy", "failure_policy: only a rate can be counted by each process for itself.")
    if not 10 <= resource.ttl_seconds <= 7 * 24 * 3600:
        raise InvalidInput("ttl_seconds", "ttl_seconds: is 10 s to 7 days, 604,800 s.")
    if not 1 <= resource.cost <= LARGEST_LIMIT:
        raise InvalidInput("cost", f"cost: is a whole number from 1 to {LARGEST_LIMIT:,}.")
    if not 1 <= resource.warn_percent <= resource.nearly_percent <= 100:
        raise InvalidInput("warn_percent", "warn_percent: is 1 to 100, and no more than nearly_percent.")
    if not 10 <= resource.deadline_ms <= 60_000:
        raise InvalidInput("deadline_ms", "deadline_ms: is 10 to 60,000 ms.")
    if resource.default_limit is not None:
        checked_limit(resource, resource.default_limit, "default_limit")
    _check_unlimited(resource)


def policy_target(policy: Policy) -> Target:
    return Target("policy", f"{policy.tier}/{policy.resource_id}", f"{policy.resource_id} of tier {policy.tier}")


def resource_target(resource: Resource) -> Target:
    return Target("resource", resource.name, resource.name)


@approvable("quotas.put_policy")
def _put_policy(
    actor: Actor, action: str, tier: str, resource_name: str, values: dict[str, int | None], version: int
) -> Policy:
    require(actor, Role.ADMIN)
    if not 1 <= len(tier.strip()) <= 50 or not is_storable(tier):
        raise InvalidInput("tier", "tier: is a name of 1 to 50 characters.")
    with transaction.atomic():
        resource = locked_resource(resource_name)
        checked = {name: _checked(resource, name, limit) for name, limit in values.items()}
        policy = Policy.objects.filter(resource=resource, tier=tier).first()
        before = snapshot(policy, _POLICY) if policy else None
        target = policy_target(policy or Policy(resource=resource, tier=tier))
        _require_policy_version(policy, version, checked, target)
        _require_approval(actor, action, target, tier, resource_name, values, version, before)
        policy = policy or Policy(resource=resource, tier=tier, limit=resource.default_limit, version=0)
        for name, limit in checked.items():
            setattr(policy, name, limit)
        if same_json(before, snapshot(policy, _POLICY)):
            return policy
        policy.version += 1
        policy.save()
        record(actor, action, target, before=before, after=snapshot(policy, _POLICY))
    return policy


def _require_approval(
    actor: Actor,
    action: str,
    target: Target,
    tier: str,
    resource_name: str,
    values: dict[str, int | None],
    version: int,
    before: dict[str, Any] | None,
) -> None:
    arguments = {"action": action, "tier": tier, "resource_name": resource_name, "values": values, "version": version}
    sizes = list(values.values())
    size = None if "limit" in values and values["limit"] is None else max((each or 0 for each in sizes), default=0)
    only = {name: before.get(name) for name in values} if before else None
    draft = Draft(
        Kind.LIMIT,
        "quotas.put_policy",
        arguments,
        target,
        f"Limit of {target.label}",
        only,
        values,
        "",
        size,
        Role.ADMIN,
    )
    require_approval(actor, draft)


def _checked(resource: Resource, name: str, limit: int | None) -> int | None:
    # No limit on trial is no trial, whatever the resource may have.
    return None if name == "trial_limit" and limit is None else checked_limit(resource, limit, name)


def _check_unlimited(resource: Resource) -> None:
    if resource.allow_unlimited:
        return
    tiers = list(Policy.objects.filter(resource=resource.name, limit=None).values_list("tier", flat=True))
    users = Override.objects.filter(resource=resource.name, limit=None, ended_at=None).count()
    if tiers or users:
        who = " and ".join([*([f"tiers {', '.join(tiers)}"] if tiers else []), *([f"{users} users"] if users else [])])
        raise InvalidInput("allow_unlimited", f"allow_unlimited: {who} have no limit now. Give them one first.")


def _require_policy_version(policy: Policy | None, version: int, submitted: dict[str, Any], target: Target) -> None:
    current = policy.version if policy else 0
    if current != version:
        shown = {"limit": policy.limit if policy else "no policy", "version": current}
        message = "This tier's limit was changed while you were editing it."
        raise Conflict(message, shown, {**submitted, "version": version}, target.key)


def _editable(values: dict[str, Any]) -> dict[str, Any]:
    return {field: values[field] for field in EDITABLE if field in values}
