"""Rows for the growth benchmark: every table that grows, filled by SQL to a share of the largest size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

# Rows at the largest size. Other sizes are shares of it.
LARGEST = {
    "users": 200_000,
    "flags": 10_000,
    "overrides": 200_000,
    "audit entries": 1_000_000,
    "instances": 2_000,
    "breakers": 105,
    "breaker reports": 210_000,
    "operations": 100_000,
}
# Fewer would leave the smallest size without a page that is full, and without a row for each filter.
LEAST = {"breakers": 80, "instances": 60}


@dataclass(frozen=True)
class Table:
    """One table: SQL for its columns, in which `n` counts from 1 to `rows` (at the largest size)."""

    name: str
    rows: int
    columns: dict[str, str] = field(default_factory=dict)
    source: str = "generate_series({first}, {last}) AS n"
    # Whether there are more of them at a larger size.
    scaled: bool = True
    least: int = 1


@dataclass(frozen=True)
class Size:
    """A share of the largest size or, for tests, as many rows of `each` table."""

    share: float = 0.0
    each: int = 0

    def rows(self, largest: int, least: int = 1) -> int:
        return self.each or max(int(largest * self.share), least)

    def of(self, table: Table) -> int:
        return self.rows(table.rows, table.least) if table.scaled else table.rows


def user(expression: str = "n") -> str:
    """SQL for the id of one of the directory's users."""
    return f"md5('user' || ({expression}) % {{users}})::uuid"


def past(days: int = 30) -> str:
    """SQL for a moment in the last days, spread evenly and without order."""
    return f"now() - interval '{days} days' * ((n * 7919) % 100003) / 100003.0"


RESOURCES = ("api_calls", "storage_bytes", "audio_kept", "episodes_per_month", "concurrent_assemblies")
KINDS = ("rate", "storage", "storage", "allowance", "concurrency")
RESOURCE = f"(ARRAY{list(RESOURCES)})[n % 5 + 1]"
TABLES = (
    Table(
        'public."user"',
        LARGEST["users"],
        {
            "id": "md5('user' || n % {users})::uuid",
            "email": "'user' || n || '@example.org'",
            "tier": "(ARRAY['free', 'pro', 'team'])[n % 3 + 1]",
            "first_name": "(ARRAY['Maya', 'Ada', 'Jon', 'Li', 'Noor'])[n % 5 + 1]",
            "last_name": "'Number ' || n",
            "is_active": "TRUE",
            "created_at": "now() AT TIME ZONE 'UTC'",
        },
    ),
    Table(
        "ops.access_user",
        2_000,
        {
            "username": "'person' || n",
            "email": "'person' || n || '@example.org'",
            "role": "(ARRAY['viewer', 'operator'])[n % 2 + 1]",
            "is_active": "n % 50 > 0",
            "date_joined": past(),
            "version": "1",
        },
    ),
    Table(
        "ops.access_apitoken",
        2_000,
        {
            "user_id": "(SELECT id FROM ops.access_user WHERE username = 'bench')",
            "name": "'token ' || n",
            "key": "'k' || n",
            "token_hash": "md5('t' || n)",
            "role": "'viewer'",
            "scopes": "'[]'",
            "expires_at": "now() + interval '30 days'",
        },
    ),
    Table(
        "ops.usersessions_usersession",
        1_000,
        {
            "user_id": "(SELECT id FROM ops.access_user WHERE username = 'bench')",
            "session_key": "'none' || n",
            "ip": "'192.0.2.1'",
            "created_at": past(),
            "last_seen_at": past(),
            "user_agent": "'Browser'",
        },
    ),
    Table(
        "ops.flags_flag",
        LARGEST["flags"],
        {
            "name": "'flag_' || n",
            "everyone": "CASE n % 10 WHEN 0 THEN FALSE WHEN 1 THEN TRUE END",
            "rules": """'[{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}], "percent": 50}]'""",
            "note": "'What flag ' || n || ' is for'",
            "owner": "'team ' || n % 40",
            "tags": "jsonb_build_array('tag' || n % 30)",
            "variants": "'[]'",
            "prerequisites": "'[]'",
            "created": past(300),
            "modified": past(),
            "version": "1",
            "on_at": "CASE WHEN n % 100 = 7 THEN now() + interval '3 days' END",
            "archived_at": "CASE WHEN n % 20 = 19 THEN now() - interval '9 days' END",
        },
    ),
    Table(
        "ops.flags_segment",
        1_000,
        {
            "name": "'segment_' || n",
            "constraints": """'[{"field": "tier", "operator": "IN", "values": ["pro"]}]'""",
            "version": "1",
        },
    ),
    Table(
        "ops.flags_usage",
        120_000,
        {
            "flag": "CASE WHEN n % 12 = 0 THEN 'unknown_' ELSE 'flag_' END || n / 12 + 1",
            "hour": "date_trunc('hour', now()) - make_interval(hours => (n % 12) * 5)",
            "service": "'podcast-api'",
            "result": "n % 3 > 0",
            "count": "n % 1000 + 1",
            "last_at": "now() - make_interval(hours => (n % 12) * 5)",
        },
    ),
    Table(
        "ops.flags_presence",
        100_000,
        {
            "user_id": f"{user()}::text",
            "seen_at": "now() - interval '1 day' * (n % 1000) / 1000.0",
            "service": "'podcast-api'",
            "attributes": """jsonb_build_object('tier', (ARRAY['free', 'pro'])[n % 2 + 1])""",
        },
    ),
    Table(
        "ops.quotas_resource",
        5,
        {
            "name": RESOURCE,
            "kind": f"(ARRAY{list(KINDS)})[n % 5 + 1]",
            "title": f"{RESOURCE}",
            "unit": "(ARRAY['calls', 'bytes', 'seconds', 'episodes', 'assemblies'])[n % 5 + 1]",
            "window_seconds": "CASE WHEN n % 5 = 0 THEN 60 END",
            "period": "CASE WHEN n % 5 = 3 THEN 'month' ELSE '' END",
            "timezone": "'UTC'",
            "ttl_seconds": "300",
            "default_limit": "1000",
            "failure_policy": "'open'",
            "allow_unlimited": "TRUE",
            "version": "1",
        },
        scaled=False,
    ),
    Table(
        "ops.quotas_policy",
        15,
        {
            "resource": RESOURCE,
            "tier": "(ARRAY['free', 'pro', 'team'])[n % 3 + 1]",
            '"limit"': "1000 * n",
            "version": "1",
        },
        scaled=False,
    ),
    Table(
        "ops.quotas_override",
        LARGEST["overrides"],
        {
            "resource": RESOURCE,
            "user_id": f"{user()}::text",
            '"limit"': "n",
            # One in sixteen has just expired and is still to be ended.
            "expires_at": "CASE WHEN n % 16 = 5 THEN now() - interval '1 minute' WHEN n % 10 > 0"
            " THEN now() + interval '1 day' + interval '30 days' * (n % 1000) / 1000 END",
            "reason": "'a larger customer'",
            "created_by": "'person' || n % 20 + 1",
            "created_at": past(),
            "version": "1",
        },
    ),
    Table(
        "ops.quotas_override",
        90_000,
        {
            "resource": RESOURCE,
            "user_id": f"{user()}::text",
            '"limit"': "n",
            "expires_at": "now() - interval '1 day'",
            "ended_at": past(300),
            "ended": "'expired'",
            "reason": "'an ended one'",
            "created_by": "'person' || n % 20 + 1",
            "version": "1",
        },
    ),
    Table(
        "ops.quotas_level",
        200_000,
        {"resource": "'storage_bytes'", "user_id": f"{user()}::text", "used": "n % 1100", "changed_at": past(3)},
    ),
    Table(
        "ops.quotas_counter",
        200_000,
        {
            "resource": "'episodes_per_month'",
            "user_id": f"{user()}::text",
            "period_start": "date_trunc('month', now())",
            "used": "n % 1100",
        },
    ),
    Table(
        "ops.quotas_ring",
        200_000,
        {
            "resource": "'api_calls'",
            "user_id": f"{user()}::text",
            "window_seconds": "60",
            "newest": "extract(epoch FROM now())::bigint / 3 - n % 20",
            "counts": "array_fill((n % 60)::bigint, ARRAY[20])",
        },
    ),
    Table(
        "ops.quotas_peak",
        100_000,
        {
            "resource": RESOURCE,
            "user_id": f"{user()}::text",
            "hour": "date_trunc('hour', now()) - make_interval(hours => n::int % 24)",
            "source": "'tier'",
            '"limit"': "1000",
            "peak": "n % 1100",
        },
    ),
    Table(
        "ops.quotas_slot",
        10_000,
        {
            "resource": "'concurrent_assemblies'",
            "user_id": f"{user()}::text",
            "number": "1",
            "holder": "md5('slot' || n)::uuid",
            "taken_at": "now()",
            "expires_at": "now() + interval '1 hour'",
        },
    ),
    Table(
        "ops.quotas_reservation",
        10_000,
        {
            "id": "md5('reservation' || n)::uuid",
            "resource": "'storage_bytes'",
            "user_id": f"{user()}::text",
            "amount": "n",
            "expires_at": "now() + interval '1 hour'",
        },
    ),
    Table(
        "ops.quotas_refusal",
        200_000,
        {
            "resource": RESOURCE,
            "user_id": f"{user('n / 100')}::text",
            "at": past(7),
            "first_at": "now() - interval '7 days'",
            "route": "'POST /api/episodes'",
            "request_id": "'refused-' || n",
            "source": "'tier'",
            "policy": "'free'",
        },
    ),
    Table(
        "ops.quotas_drift",
        20_000,
        {"resource": "'storage_bytes'", "user_id": f"{user()}::text", "used": "n", "measured": "n + 1"},
    ),
    Table(
        "ops.quotas_recount",
        10_000,
        {
            "resource": "'storage_bytes'",
            "user_id": f"{user()}::text",
            "requested_by": "'person1'",
            "requested_at": past(),
            "finished_at": "now()",
        },
    ),
    Table(
        "ops.quotas_failure",
        5_000,
        {
            "resource": RESOURCE,
            "hour": "date_trunc('hour', now()) - make_interval(hours => n::int / 5)",
            "service": "'podcast-api'",
            "failure_policy": "'open'",
            "count": "n",
        },
    ),
    Table(
        "ops.audit_entry",
        LARGEST["audit entries"],
        {
            "at": "now() - interval '300 days' * ({audit entries} - n) / {audit entries}",
            "source": "'service'",
            "actor": "'person' || n % 200 + 1",
            "via": "'web'",
            "action": "(ARRAY['flag.off', 'flag.rules', 'override.set', 'operation.retry'])[n % 4 + 1]",
            "target_type": "CASE WHEN n % 4 < 2 THEN 'flag' WHEN n % 4 = 2 THEN 'user' ELSE 'action' END",
            "target_id": "((SELECT min(id) FROM ops.flags_flag) + n % {flags})::text",
            "target_label": "'flag_' || n % {flags} + 1",
            "reason": "'reason number ' || n",
            "before": """'{"everyone": null, "version": 1}'""",
            "after": """'{"everyone": false, "version": 2}'""",
            "request_id": "md5('request' || n)",
        },
    ),
    Table(
        "ops.contract_instance",
        LARGEST["instances"],
        {
            "id": "md5('instance' || n)::uuid",
            "service": "'service-' || n % 20",
            "kind": "'backend'",
            "host": "'host-' || n",
            "pid": "n",
            "client_version": "'0.1.0'",
            "contract": "'ops_v1'",
            "revision": "n % 3",
            "problems": "'[]'",
            "started_at": "now() - interval '2 days'",
            # They stay alive for as long as the benchmark runs.
            "seen_at": "now() + CASE WHEN n % 20 = 0 THEN interval '-10 minutes' ELSE interval '2 hours' END",
        },
        least=LEAST["instances"],
    ),
    Table(
        "ops.breakers_breaker",
        LARGEST["breakers"],
        {
            "name": "'provider-' || n",
            "config": '\'{"open_seconds": 30, "probe_seconds": 10, "window": 100}\'',
            "status": "CASE WHEN n % 10 = 0 THEN 'open' ELSE 'closed' END",
            "epoch": "n",
        },
        least=LEAST["breakers"],
    ),
    Table(
        "ops.breakers_override",
        LARGEST["breakers"],
        {
            "name": "'provider-' || n",
            "mode": "CASE WHEN n % 3 = 0 THEN 'force_open' ELSE '' END",
            "reason": "'a test'",
            "actor": "'person1'",
            "set_at": "now()",
            "expires_at": "CASE WHEN n % 3 = 0 THEN now() + interval '1 day' END",
            "version": "1",
        },
        least=LEAST["breakers"],
    ),
    Table(
        "ops.breakers_report",
        LARGEST["instances"],
        {
            "breaker_id": "'provider-' || b",
            "instance_id": "md5('instance' || n)::uuid",
            "status": "'closed'",
            "epoch": "b",
            "calls": "n",
            "failures": "n % 7",
            "reported_at": "now() + interval '2 hours'",
        },
        source="generate_series(1, {instances}) AS n, generate_series(1, {breakers}) AS b",
    ),
    Table(
        "ops.breakers_transition",
        100_000,
        {
            "breaker_id": "'provider-' || n % {breakers} + 1",
            "at": past(),
            "from_status": "'closed'",
            "to_status": "'open'",
            "epoch": "n",
            "cause": "'50 % failed'",
            "service": "'podcast-api'",
            "instance_id": "md5('instance' || n % {instances})::uuid",
        },
    ),
    Table(
        "ops.telemetry_providerminute",
        150_000,
        {
            "provider": "'provider-' || n % {breakers} + 1",
            "minute_at": "date_trunc('minute', now()) - make_interval(mins => n::int / {breakers})",
            "service": "'podcast-api'",
            "attempts": "n % 100",
            "failures": "n % 9",
            "final_calls": "n % 90",
        },
    ),
    Table(
        "public.episode",
        LARGEST["operations"],
        {
            "id": "md5('episode' || n)::uuid",
            "user_id": user(),
            "podcast_id": user(),
            "title": "'Episode ' || n",
            "status": "(CASE WHEN n % 100 < 12 THEN 'processing' WHEN n % 100 = 12 THEN 'pending'"
            " WHEN n % 100 < 16 THEN 'error' ELSE 'processed' END)::public.episodestatus",
            "meta_json": "CASE WHEN n % 100 = 12"
            """ THEN '{"queued_for_worker": true, "main_content_filename": "a.wav"}'"""
            """ ELSE '{"main_content_filename": "a.wav", "error_reason": "provider answered 503"}' END""",
            "processed_at": "(" + past() + ") AT TIME ZONE 'UTC'",
            "created_at": "now() AT TIME ZONE 'UTC'",
        },
    ),
    Table(
        "public.transcriptionwatch",
        20_000,
        {
            "id": "md5('watch' || n)::uuid",
            "user_id": user(),
            "filename": "'file-' || n || '.wav'",
            "last_status": "(ARRAY['queued', 'processing', 'error:503', 'done'])[n % 4 + 1]",
            "created_at": "(" + past() + ") AT TIME ZONE 'UTC'",
        },
    ),
    Table(
        "public.mediaitem",
        100_000,
        {
            "id": "md5('media' || n)::uuid",
            "user_id": user(),
            "category": "'main_content'",
            "filename": "'file-' || n || '.wav'",
            "filesize": "n",
            "created_at": "now() AT TIME ZONE 'UTC'",
        },
    ),
    Table("ops.operations_trackedkind", 5, {"kind": "'tracked_' || n"}, scaled=False),
    Table(
        "ops.operations_trackedoperation",
        50_000,
        {
            "kind": "'tracked_' || n % 5 + 1",
            "operation_id": "'tracked-' || n",
            "owner_id": f"{user()}::text",
            "title": "'Tracked ' || n",
            "status": "(ARRAY['queued', 'running', 'succeeded', 'failed'])[n % 4 + 1]",
            "queued_at": past(),
            "started_at": past(),
            "heartbeat_at": past(),
            "finished_at": "CASE WHEN n % 4 > 1 THEN now() END",
            "worker": "'host-' || n % 2000 || ':1'",
            "error_type": "'TimeoutError'",
            "error_message": "'provider answered 503'",
            "error_group": "CASE WHEN n % 4 = 3 THEN md5((n % 500)::text) ELSE '' END",
        },
    ),
    Table(
        "ops.operations_trackedevent",
        100_000,
        {
            "kind": "'tracked_' || n % 5 + 1",
            # One operation has a long history.
            "operation_id": "'tracked-' || CASE WHEN n % 10 = 0 THEN 1 ELSE n END",
            "what": "'started'",
            "attempt": "1",
            "version": "1",
        },
    ),
    Table(
        "ops.operations_operationmark",
        50_000,
        {
            "kind": "'episode_assembly'",
            "operation_id": "md5('episode' || n)::uuid::text",
            "version": "1",
            "attempts": "1",
            "last_command_at": "now() - interval '3 hours'",
        },
    ),
    Table(
        "ops.operations_action",
        5_000,
        {
            "kind": "'episode_assembly'",
            "verb": "'retry'",
            "label": "'Retry ' || n",
            "scope": """'{"kind": "episode_assembly"}'""",
            "total": "10",
            "state": "'done'",
            "actor": "'person1'",
            "via": "'web'",
            "created_at": past(),
            "release_at": past(),
            "finished_at": past(),
        },
    ),
    Table(
        "ops.operations_chunk",
        5_000,
        {
            "action_id": "n",
            "number": "1",
            "operation_ids": "ARRAY['x']",
            "seen_statuses": "ARRAY['processing']",
            "seen_ages": "ARRAY[now()]",
            "seen_versions": "ARRAY[1]",
            "state": "'done'",
            "changed": "1",
            "done_at": "now()",
        },
    ),
    Table(
        "ops.operations_outcome",
        100_000,
        {
            # Half of them belong to one action.
            "action_id": "CASE WHEN n % 2 = 0 THEN 1 ELSE n % GREATEST({operations} / 20, 1) + 1 END",
            "operation_id": "'outcome-' || n",
            "outcome": "(ARRAY['locked', 'ineligible', 'finished_meanwhile'])[n % 3 + 1]",
            "detail": "'It was finished'",
        },
    ),
    Table(
        "ops.operations_command",
        10_000,
        {
            "action_id": "n % GREATEST({operations} / 20, 1) + 1",
            "kind": "'episode_assembly'",
            "verb": "'retry'",
            "operation_ids": "ARRAY['x']",
            "versions": "ARRAY[1]",
            "payloads": "'[{}]'",
            "state": "CASE WHEN n % 2 = 0 THEN 'dead' ELSE 'delivered' END",
            "attempts": "8",
            "last_error": "'the backend refused it'",
        },
    ),
    Table(
        "ops.operations_usernotice",
        20_000,
        {
            "action_id": "n % GREATEST({operations} / 20, 1) + 1",
            "user_id": f"{user()}::text",
            "operations": "1",
            "state": "'sent'",
        },
    ),
    Table(
        "ops.approvals_changerequest",
        2_000,
        {
            "kind": "'flag'",
            "call": "'flags.change'",
            "arguments": "'{}'",
            "role": "'operator'",
            "target_type": "'flag'",
            "target_id": "n",
            "summary": "'flag_' || n || ': change percent'",
            "reason": "'launch'",
            "requester_name": "'operator'",
            "requested_at": past(3),
            "expires_at": "now() + interval '1 day'",
            "state": "CASE WHEN n % 10 = 0 THEN 'open' ELSE 'applied' END",
            "decided_by": "''",
            "note": "''",
            "problem": "''",
            "broke_glass": "false",
        },
    ),
    Table(
        "ops.sweep_run",
        10_000,
        {
            "kind": "'episode_assembly'",
            "started_at": past(90),
            "result": "'dry_run'",
            "dead": "n % 10",
            "suspected": "n % 20",
            "most": "50",
        },
    ),
    Table(
        "ops.alerts_alert",
        20_000,
        {
            "rule_id": "(SELECT min(name) FROM ops.alerts_rule)",
            "subject": "'subject ' || n",
            "state": "CASE WHEN n % 400 = 0 THEN 'firing' ELSE 'resolved' END",
            "since": past(),
            "last_seen_at": "now()",
            "fired_at": past(),
            "resolved_at": "CASE WHEN n % 400 > 0 THEN now() END",
            "value": "n",
            "summary": "'Something is wrong'",
        },
    ),
    Table(
        "ops.alerts_message",
        40_000,
        {
            "alert_id": "CASE WHEN n % 2 = 0 THEN 1 ELSE n % (SELECT max(id) FROM ops.alerts_alert) + 1 END",
            "event": "'fired'",
            "channel_number": "1",
            "channel": "'mailto://'",
            "title": "'Fired'",
            "body": "'Something is wrong'",
            "state": "'sent'",
            "due_at": past(),
            "done_at": past(),
        },
    ),
)


def fill(connection: psycopg.Connection[Any], before: Size | None, size: Size) -> dict[str, int]:
    """Bring every table from one size to another; how many rows there now are of what LARGEST names.

    Needs a superuser: triggers would write an audit entry for each row.
    """
    at = {name: size.rows(rows, LEAST.get(name, 1)) for name, rows in LARGEST.items()}
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in TABLES:
            for statement in _statements(connection, table, before, size, at):
                connection.execute(statement.encode())
    return at | {"breaker reports": at["instances"] * at["breakers"]}


def _statements(
    connection: psycopg.Connection[Any], table: Table, before: Size | None, size: Size, at: dict[str, int]
) -> Iterator[str]:
    first = before.of(table) + 1 if before else 1
    last = size.of(table)
    names = at | {"first": first, "last": last}
    columns = {**_zeroes(connection, table), **table.columns}
    values = ", ".join(_named(value, names) for value in columns.values())
    yield (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM {_named(table.source, names)}"
        " ON CONFLICT DO NOTHING"
    )


def _named(text: str, names: dict[str, Any]) -> str:
    for name, value in names.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def _zeroes(connection: psycopg.Connection[Any], table: Table) -> dict[str, str]:
    """Columns that must have a value, have no default and are not named: Django would fill them in."""
    asked = (
        "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a WHERE a.attrelid = %s::regclass"
        " AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped AND NOT a.atthasdef AND a.attidentity = ''"
    )
    given = {name.strip('"') for name in table.columns}
    rows = connection.execute(asked, [table.name]).fetchall()
    return {f'"{name}"': _zero(kind) for name, kind in rows if name not in given}


def _zero(kind: str) -> str:
    if kind in ("text", "character varying"):
        return "''"
    if kind in ("jsonb", "json") or kind.endswith("[]"):
        return "'{}'"
    if kind == "boolean":
        return "FALSE"
    return "now()" if kind.startswith("timestamp") else "0"
