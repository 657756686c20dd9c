"""Quotas over the JSON API: a thin door onto the same services and queries as the pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from ops_console import directory
from ops_console.access.roles import Role
from ops_console.api_base import IfMatch, Listed, Paging, caller, expected, listed, needs, path_of, tagged
from quotas import bulk, peaks, queries, services, settings_services, storage_services, usage_services
from quotas.api_shapes import (
    DoneOut,
    EffectFilter,
    EffectOut,
    ImportIn,
    OverrideIn,
    OverrideOut,
    PolicyIn,
    PolicyOut,
    ReasonIn,
    RecountIn,
    RecountOut,
    RefusalOut,
    ResetOut,
    ResourceEdit,
    ResourceNew,
    ResourceOut,
    TierOut,
    UserFilter,
    UserOut,
    done_out,
    override_out,
    refusal_out,
    tier_out,
    user_out,
)
from quotas.models import Policy, Resource
from quotas.services import Wanted

router = Router(tags=["Quotas"])
_OVERRIDE = "/quotas/users/{named:user_id}/overrides/{resource}"


@router.get("/quotas/users", auth=needs("quotas:read"), response=list[UserOut])
def quota_users(request: HttpRequest, wanted: Query[UserFilter]) -> Any:
    """Users whose mail or name holds the text, or whose id it is, with their limits in force; at most 20."""
    return [user_out(found) for found in queries.limited(directory.find(wanted.q))]


@router.put(_OVERRIDE, auth=needs("quotas:write"), response=OverrideOut)
def quota_override_set(
    request: HttpRequest, response: HttpResponse, user_id: str, resource: str, given: OverrideIn, if_match: IfMatch = ""
) -> Any:
    """Give a user a limit of their own. If-Match is the override's version, `"0"` where there is none yet."""
    version = _version(if_match, user_id, resource)
    wanted = Wanted(given.limit, given.expires_at, given.reason, version)
    override = services.set_override(caller(request), user_id, resource, wanted)
    tagged(response, override.version)
    return override_out(override)


@router.delete(_OVERRIDE, auth=needs("quotas:write"), response=OverrideOut)
def quota_override_remove(
    request: HttpRequest, user_id: str, resource: str, given: ReasonIn | None = None, if_match: IfMatch = ""
) -> Any:
    """End an override: the tier's limit holds on the next call. A body is only needed for a reason."""
    version = _version(if_match, user_id, resource)
    reason = given.reason if given else ""
    return override_out(services.remove_override(caller(request), user_id, resource, version, reason))


@router.post("/quotas/users/{named:user_id}/usage/{resource}/reset", auth=needs("quotas:write"), response=ResetOut)
def quota_usage_reset(request: HttpRequest, user_id: str, resource: str, given: ReasonIn | None = None) -> Any:
    """Let the user's window or period begin anew; answers what was forgotten. A body is only needed for a reason."""
    reason = given.reason if given else ""
    return {"forgotten": usage_services.reset_usage(caller(request), user_id, resource, reason)}


@router.get("/quotas/overrides", auth=needs("quotas:read"), response=Listed[OverrideOut])
def quota_overrides(request: HttpRequest, wanted: Query[Paging]) -> Any:
    """Every override in force, those that end first at the top and those without an expiry last."""
    return listed(request, queries.ENDS_FIRST, queries.holding(), wanted, override_out)


@router.post("/quotas/overrides/import", auth=needs("quotas:write"), response=DoneOut)
def quota_overrides_import(request: HttpRequest, given: ImportIn) -> Any:
    """Many overrides at once, row by row; `dry_run` only says what would come of each."""
    rows = bulk.plan(given.asked(), given.reason)
    if given.dry_run:
        return done_out(bulk.Done(rows))
    return done_out(bulk.apply(caller(request), rows, given.reason))


@router.get("/quotas/resources", auth=needs("quotas:read"), response=list[ResourceOut])
def quota_resources(request: HttpRequest) -> Any:
    """What is limited."""
    return Resource.objects.all()


@router.post("/quotas/resources", auth=needs("quotas:write", Role.ADMIN), response={201: ResourceOut})
def quota_resource_create(request: HttpRequest, response: HttpResponse, given: ResourceNew) -> Any:
    """Define a resource. There is no deletion: backends call it by name."""
    made = settings_services.create_resource(caller(request), given.name, given.kind, given.values(), given.reason)
    response.headers["Location"] = path_of("/quotas/resources/{}", made.name)
    tagged(response, made.version)
    return Status(201, made)


@router.get("/quotas/resources/{resource}", auth=needs("quotas:read"), response=ResourceOut)
def quota_resource(request: HttpRequest, response: HttpResponse, resource: str) -> Any:
    """One resource; its ETag is its version."""
    found = queries.resource(resource)
    tagged(response, found.version)
    return found


@router.patch("/quotas/resources/{resource}", auth=needs("quotas:write", Role.ADMIN), response=ResourceOut)
def quota_resource_edit(
    request: HttpRequest, response: HttpResponse, resource: str, given: ResourceEdit, if_match: IfMatch = ""
) -> Any:
    """Change a resource's settings; they hold on the next call."""
    version = expected(if_match)
    edited = settings_services.edit_resource(caller(request), resource, given.values(), version, given.reason)
    tagged(response, edited.version)
    return edited


@router.get("/quotas/tiers", auth=needs("quotas:read"), response=list[TierOut])
def quota_tiers(request: HttpRequest) -> Any:
    """Every tier that the directory or a policy names, with its limit of each resource."""
    return [tier_out(row) for row in queries.matrix().rows]


@router.get("/quotas/policies", auth=needs("quotas:read"), response=list[PolicyOut])
def quota_policies(request: HttpRequest) -> Any:
    """What each tier may use."""
    return Policy.objects.order_by("id")


@router.get("/quotas/policies/{named:tier}/{resource}/effect", auth=needs("quotas:read"), response=EffectOut)
def quota_policy_effect(request: HttpRequest, tier: str, resource: str, wanted: Query[EffectFilter]) -> Any:
    """Whom a limit would have refused in the last hours, replayed on the recorded hourly peaks."""
    replay = peaks.replay(queries.resource(resource).name, wanted.limit, tier, wanted.hours)
    worst = [{"user_id": user_id, "peak": peak} for user_id, peak in replay.worst]
    return {"users": replay.users, "asked": replay.asked, "worst": worst}


@router.put(
    "/quotas/policies/{named:tier}/{resource}/trial", auth=needs("quotas:write", Role.ADMIN), response=PolicyOut
)
def quota_policy_try(
    request: HttpRequest, response: HttpResponse, tier: str, resource: str, given: PolicyIn, if_match: IfMatch = ""
) -> Any:
    """Put a limit on trial: whoever is over it is recorded and let through. null ends the trial."""
    version = _policy_version(if_match, tier, resource)
    policy = settings_services.try_policy(caller(request), tier, resource, given.limit, version)
    tagged(response, policy.version)
    return policy


@router.put("/quotas/policies/{named:tier}/{resource}", auth=needs("quotas:write", Role.ADMIN), response=PolicyOut)
def quota_policy_set(
    request: HttpRequest, response: HttpResponse, tier: str, resource: str, given: PolicyIn, if_match: IfMatch = ""
) -> Any:
    """What a tier may use. If-Match is the policy's version, `"0"` where there is none yet."""
    version = _policy_version(if_match, tier, resource)
    policy = settings_services.set_policy(caller(request), tier, resource, given.limit, version)
    tagged(response, policy.version)
    return policy


@router.delete("/quotas/policies/{named:tier}/{resource}", auth=needs("quotas:write", Role.ADMIN), response={204: None})
def quota_policy_remove(request: HttpRequest, tier: str, resource: str, if_match: IfMatch = "") -> Any:
    """The tier has the resource's default again."""
    version = _policy_version(if_match, tier, resource)
    settings_services.remove_policy(caller(request), tier, resource, version)
    return Status(204, None)


@router.get("/quotas/users/{named:user_id}/refusals", auth=needs("quotas:read"), response=list[RefusalOut])
def quota_refusals(request: HttpRequest, user_id: str) -> Any:
    """Why the user was limited lately, the newest first, each with a sentence to send to them."""
    return [refusal_out(each) for each in queries.refusals_of(services.person_of(user_id).id)]


@router.post(
    "/quotas/users/{named:user_id}/storage/{resource}/recount", auth=needs("quotas:write"), response={202: RecountOut}
)
def quota_storage_recount(request: HttpRequest, user_id: str, resource: str, given: RecountIn | None = None) -> Any:
    """Have a backend measure what the user has stored; with `correct` the level becomes what was measured."""
    correct = given.correct if given else False
    recount = storage_services.request_recount(caller(request), resource, user_id, correct)
    return Status(202, recount)


# Last: a name may hold slashes, and would be taken for a longer address.
@router.get("/quotas/users/{named:user_id}", auth=needs("quotas:read"), response=UserOut)
def quota_user(request: HttpRequest, user_id: str) -> Any:
    """Every limit in force of one user, where it comes from, and what is used of it."""
    return user_out(queries.limited([services.person_of(user_id)])[0])


def _policy_version(if_match: str, tier: str, resource: str) -> int:
    version = expected(if_match)
    return queries.policy_version(tier, resource) if version is None else version


def _version(if_match: str, user_id: str, resource: str) -> int:
    """The version that was read; for `*` the one that stands."""
    version = expected(if_match)
    return queries.override_version(services.person_of(user_id), resource) if version is None else version
