-- Every resource of one user: the limit in force and what is used of it. The console reads it as the backend does.
CREATE OR REPLACE FUNCTION ops.quota_usage_at(
    asked_user text, asked_tier text, at timestamptz,
    OUT resource text, OUT title text, OUT unit text, OUT kind text, OUT limit_value bigint, OUT source text,
    OUT policy text, OUT shadow boolean, OUT used bigint, OUT window_seconds integer, OUT resets_at timestamptz,
    OUT warn_percent smallint, OUT nearly_percent smallint
) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
SELECT r.name, r.title, r.unit, f.kind, f.limit_value, f.source, f.policy, f.shadow,
       CASE r.kind
           WHEN 'rate' THEN (
               SELECT sum(n)::bigint FROM ops.quotas_ring ring, unnest((ops.quota_turned(
                   ring, floor(extract(epoch FROM at) * 20 / r.window_seconds)::bigint, r.window_seconds::integer
               )).counts) n WHERE ring.resource = r.name AND ring.user_id = asked_user
           )
           WHEN 'storage' THEN (
               SELECT sum(amount)::bigint FROM (
                   SELECT l.used AS amount FROM ops.quotas_level l
                   WHERE l.resource = r.name AND l.user_id = asked_user
                   UNION ALL
                   SELECT held.amount FROM ops.quotas_reservation held
                   WHERE held.resource = r.name AND held.user_id = asked_user AND held.expires_at > at
               ) stored
           )
           WHEN 'concurrency' THEN (
               SELECT count(*) FROM ops.quotas_slot s WHERE s.resource = r.name AND s.user_id = asked_user
               AND s.holder IS NOT NULL AND s.expires_at > at
           )
           ELSE (
               SELECT c.used FROM ops.quotas_counter c WHERE c.resource = r.name AND c.user_id = asked_user
               AND c.period_start >= ops.quota_period(r.period, r.timezone, at, 0)
           )
       END,
       r.window_seconds, CASE WHEN r.kind = 'allowance' THEN ops.quota_period(r.period, r.timezone, at, 1) END,
       r.warn_percent, r.nearly_percent
FROM ops.quotas_resource r, ops.quota_in_force(r.name, asked_user, asked_tier, at) f
ORDER BY r.name
$$;

CREATE OR REPLACE FUNCTION ops_v1.quota_usage(
    asked_user text, asked_tier text,
    OUT resource text, OUT title text, OUT unit text, OUT kind text, OUT limit_value bigint, OUT source text,
    OUT policy text, OUT shadow boolean, OUT used bigint, OUT window_seconds integer, OUT resets_at timestamptz,
    OUT warn_percent smallint, OUT nearly_percent smallint
) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ops, pg_temp AS $$
SELECT resource, title, unit, kind, limit_value, source, policy, shadow, coalesce(used, 0), window_seconds, resets_at,
       warn_percent, nearly_percent
FROM ops.quota_usage_at(asked_user, asked_tier, clock_timestamp())
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_usage(text, text) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_usage(text, text)
