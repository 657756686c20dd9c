-- Quotas. Backends call functions and see no table behind them; each decides in one statement, by this database's
-- clock, with the limit in force at that moment: an edit holds on the very next call.
SELECT ops.follow_table('ops.quotas_resource', 'quotas'), ops.follow_table('ops.quotas_policy', 'quotas'),
       ops.follow_table('ops.quotas_override', 'quotas'), ops.audit_table('ops.quotas_resource', 'resource'),
       ops.audit_table('ops.quotas_policy', 'policy'), ops.audit_table('ops.quotas_override', 'override');

-- What a client must know while the database is away.
CREATE OR REPLACE VIEW ops_v1.quota_resource AS
SELECT name, kind, window_seconds, default_limit, allow_unlimited, failure_policy, ttl_seconds FROM ops.quotas_resource;
-- backend: GRANT SELECT ON ops_v1.quota_resource

-- The limit in force: the user's unexpired override, else the tier's policy, else the default, else none where the
-- resource says so, else 0. No row for a resource that is not defined.
CREATE OR REPLACE FUNCTION ops.quota_in_force(
    asked_resource text, asked_user text, asked_tier text, at timestamptz,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT window_seconds integer, OUT period text, OUT zone text, OUT ttl_seconds integer
) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
SELECT r.kind,
       CASE WHEN o.id IS NOT NULL THEN o."limit" WHEN p.id IS NOT NULL THEN p."limit"
            WHEN r.default_limit IS NOT NULL OR r.allow_unlimited THEN r.default_limit ELSE 0 END,
       CASE WHEN o.id IS NOT NULL THEN 'override' WHEN p.id IS NOT NULL THEN 'tier'
            WHEN r.default_limit IS NULL AND r.allow_unlimited THEN 'unlimited' ELSE 'default' END,
       CASE WHEN o.id IS NOT NULL THEN 'override' WHEN p.id IS NOT NULL THEN p.tier
            WHEN r.default_limit IS NOT NULL THEN 'default'
            WHEN r.allow_unlimited THEN 'unlimited' ELSE 'nothing set' END,
       r.shadow, r.window_seconds, r.period, r.timezone, r.ttl_seconds
FROM ops.quotas_resource r
LEFT JOIN ops.quotas_override o ON o.resource = r.name AND o.user_id = asked_user AND o.ended_at IS NULL
    AND (o.expires_at IS NULL OR at < o.expires_at)
LEFT JOIN ops.quotas_policy p ON p.resource = r.name AND p.tier = asked_tier
WHERE r.name = asked_resource
$$;

-- When the calendar period that holds `at` begins, `offset_periods` later, in the resource's own time zone.
CREATE OR REPLACE FUNCTION ops.quota_period(period text, zone text, at timestamptz, offset_periods integer)
RETURNS timestamptz
LANGUAGE sql STABLE AS $$
SELECT (date_trunc(period, at AT TIME ZONE zone) + offset_periods * ('1 ' || period)::interval) AT TIME ZONE zone
$$;

-- Why somebody was limited, added in batches; and how often was decided without this database, added up by the hour.
CREATE OR REPLACE VIEW ops_v1.quota_refusal AS
SELECT resource, user_id, service, route, key, client, request_id, "limit" AS limit_value, source, policy, shadow, count
FROM ops.quotas_refusal;
-- backend: GRANT INSERT ON ops_v1.quota_refusal
CREATE OR REPLACE VIEW ops_v1.quota_failure AS
SELECT resource, hour, service, failure_policy, count FROM ops.quotas_failure;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.quota_failure
