-- Quotas. Backends call functions and see no table behind them; each decides in one statement, by this database's
-- clock, with the limit in force at that moment: an edit holds on the very next call.
SELECT ops.follow_table('ops.quotas_resource', 'quotas'), ops.follow_table('ops.quotas_policy', 'quotas'),
       ops.follow_table('ops.quotas_override', 'quotas'),
       ops.audit_table('ops.quotas_resource', 'resource', 'name'),
       ops.audit_table('ops.quotas_policy', 'policy', 'tier', 'resource'),
       -- The expiry was recorded with the override: that one which has run out becomes history is no change.
       ops.audit_table(
           'ops.quotas_override', 'override', 'user_id', 'resource',
           'OLD.ended_at IS NULL AND NEW.ended = ''expired'' AND OLD.expires_at <= clock_timestamp() '
           'AND NEW.ended_at = OLD.expires_at '
           'AND to_jsonb(NEW) - ''ended'' - ''ended_at'' = to_jsonb(OLD) - ''ended'' - ''ended_at'''
       );

-- PostgreSQL replaces no function whose columns are others; these had fewer once.
DROP FUNCTION IF EXISTS ops.quota_in_force(text, text, text, timestamptz),
    ops.quota_hit_at(text, text, text, bigint, double precision), ops_v1.quota_hit(text, text, text, bigint),
    ops.quota_hit_at(text, text, text, bigint, double precision, bigint, bigint, bigint),
    ops_v1.quota_hit(text, text, text, bigint, bigint, bigint, bigint),
    ops_v1.quota_reserve(text, text, text, bigint, uuid), ops_v1.quota_consume(text, text, text, bigint),
    ops_v1.quota_take(text, text, text, uuid, text),
    ops.quota_usage_at(text, text, timestamptz), ops_v1.quota_usage(text, text);

-- What a client must know while the database is away, and how long it waits for an answer.
CREATE OR REPLACE VIEW ops_v1.quota_resource AS
SELECT name, kind, window_seconds, default_limit, allow_unlimited, failure_policy, ttl_seconds,
       cost, warn_percent, nearly_percent, deadline_ms, unit
FROM ops.quotas_resource;
-- backend: GRANT SELECT ON ops_v1.quota_resource

-- The limit in force: the user's unexpired override, else the tier's policy, else the default, else none where the
-- resource says so, else 0. No row for a resource that is not defined. `expires_at` is when an override in force ends;
-- `trial_limit` is what a tier's policy has on trial. Give it a variable as time: with a function there it is not inlined.
CREATE OR REPLACE FUNCTION ops.quota_in_force(
    asked_resource text, asked_user text, asked_tier text, at timestamptz,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT window_seconds integer, OUT period text, OUT zone text, OUT ttl_seconds integer,
    OUT cost bigint, OUT expires_at timestamptz, OUT trial_limit bigint
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
       r.shadow, r.window_seconds, r.period, r.timezone, r.ttl_seconds,
       r.cost, o.expires_at, CASE WHEN o.id IS NULL THEN p.trial_limit END
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
