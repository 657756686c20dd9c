"""One thing of each kind in the filled database: values for the parameters of URLs, and texts to search for."""

from typing import Any

from django.contrib import admin
from django.db import connection


def samples() -> dict[str, Any]:
    """Parameter to value; `NAMESPACE parameter` or `URL parameter` where the parameter's name is not enough."""
    directory_user = one("SELECT id::text FROM public.\"user\" WHERE email = 'user77@example.org'")
    flag = one("SELECT id FROM ops.flags_flag WHERE name = 'flag_17'")
    changed = one(
        "SELECT id FROM ops.flags_flag f WHERE everyone IS FALSE AND archived_at IS NULL AND EXISTS ("
        "SELECT FROM ops.audit_entry WHERE target_type = 'flag' AND target_id = f.id::text) ORDER BY id LIMIT 1"
    )
    return {
        "user_id": directory_user,
        "access user_id": one("SELECT id FROM ops.access_user WHERE username = 'person7'"),
        "flag_id": flag,
        # A change that can be taken back: the flag still has what the entry says.
        "flags:revert flag_id": changed,
        "flags:revert entry_id": one(
            f"SELECT max(id) FROM ops.audit_entry WHERE target_type = 'flag' AND target_id = '{changed}'"
        ),
        "flags entry_id": one(
            f"SELECT max(id) FROM ops.audit_entry WHERE target_type = 'flag' AND target_id = '{flag}'"
        ),
        "entry_id": one("SELECT max(id) FROM ops.audit_entry"),
        "segment_id": one("SELECT min(id) FROM ops.flags_segment"),
        "state": "off",
        "resource": "api_calls",
        "version": 1,
        "override_id": one("SELECT max(id) FROM ops.quotas_override"),
        "tier": "pro",
        "holder": one("SELECT holder FROM ops.quotas_slot LIMIT 1"),
        "reservation": one("SELECT id FROM ops.quotas_reservation LIMIT 1"),
        "quotas name": "api_calls",
        "breakers name": "provider-1",
        "alerts name": one("SELECT min(name) FROM ops.alerts_rule"),
        "api:segment name": "segment_7",
        "api name": "flag_17",
        "action_id": one("SELECT min(id) FROM ops.operations_action"),
        "command_id": one("SELECT min(id) FROM ops.operations_command"),
        "alert_id": one("SELECT min(id) FROM ops.alerts_alert"),
        "request_id": one("SELECT min(id) FROM ops.approvals_changerequest"),
        "how": "approve",
        "run_id": one("SELECT max(id) FROM ops.sweep_run"),
        "token_id": one("SELECT min(id) FROM ops.access_apitoken"),
        "process_id": one("SELECT id FROM ops.contract_instance WHERE seen_at < now() LIMIT 1"),
        "service_remove_lost kind": "backend",
        "service_remove_lost service": one("SELECT service FROM ops.contract_instance WHERE seen_at < now() LIMIT 1"),
        "service": "service-1",
        "kind": "episode_assembly",
        "operation_id": one("SELECT id FROM public.episode WHERE status = 'processing' LIMIT 1"),
        "step": "pause",
        # URLs that answer only with these.
        "queries": {
            "breakers:override": "mode=force_open",
            "operations:act": "verb=retry&all=1&query=kind%3Depisode_assembly",
            "api:quota_users": "q=user77",
            "api:quota_policy_effect": "limit=5",
        },
        **_of_admin(),
    }


def searches() -> list[str]:
    """What people type into the search box."""
    user_id = one("SELECT id::text FROM public.\"user\" WHERE email = 'user77@example.org'")
    request_id = one("SELECT request_id FROM ops.audit_entry ORDER BY id LIMIT 1 OFFSET 70")
    return ["user77@example.org", "maya", "flag_77", "Episode 77", user_id, user_id[:8], request_id, "no-row-has-this"]


def one(statement: str) -> Any:
    """The value that a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (value,) = cursor.fetchone() or (None,)
    assert value is not None, f"Nothing found: {statement}"
    return value


def _of_admin() -> dict[str, Any]:
    """The first object of each model of Django's admin; `0` where there is none."""
    found = {}
    for model in admin.site._registry:
        first = model._default_manager.order_by("pk").values_list("pk", flat=True).first()
        found[f"admin:{model._meta.app_label}_{model._meta.model_name} object_id"] = 0 if first is None else first
    return found
