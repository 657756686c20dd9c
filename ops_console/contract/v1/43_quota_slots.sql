-- Concurrency: a row a place, taken with SKIP LOCKED. Two can never take one row, so the limit holds without a queue.
-- After a limit was lowered, places above it may still be held: until they are not, takers go one by one and count.
CREATE OR REPLACE FUNCTION ops.quota_held(
    asked_resource text, asked_user text, limit_value bigint, at timestamptz, OUT held bigint, OUT above bigint
)
LANGUAGE sql STABLE AS $$
SELECT count(*), count(*) FILTER (WHERE s.number > limit_value) FROM ops.quotas_slot s
WHERE s.resource = asked_resource AND s.user_id = asked_user AND s.holder IS NOT NULL AND s.expires_at > at
$$;

CREATE OR REPLACE FUNCTION ops_v1.quota_take(
    asked_resource text, asked_user text, asked_tier text, by_holder uuid, by_service text,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT used bigint, OUT ttl_seconds integer, OUT cost bigint, OUT trial_limit bigint
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    force record;
    at timestamptz := clock_timestamp();
    above bigint;
    places bigint;
BEGIN
    SELECT f.* INTO force FROM ops.quota_in_force(asked_resource, asked_user, asked_tier, at) f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    kind := force.kind; limit_value := force.limit_value; source := force.source; policy := force.policy;
    shadow := force.shadow; ttl_seconds := force.ttl_seconds; cost := 1; trial_limit := force.trial_limit;
    IF kind = 'concurrency' THEN
        SELECT h.held, h.above INTO used, above FROM ops.quota_held(asked_resource, asked_user, limit_value, at) h;
        IF above > 0 THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('ops.quota_take ' || asked_resource || ' ' || asked_user, 0));
            SELECT h.held INTO used FROM ops.quota_held(asked_resource, asked_user, limit_value, at) h;
        END IF;
        -- Without a limit there are no places to take; least() would pass over the NULL and make a thousand.
        places := CASE WHEN limit_value IS NULL OR (above > 0 AND used >= limit_value) THEN 0
                       ELSE least(limit_value, 1000) END;
        IF places > 0 AND NOT EXISTS (
            SELECT FROM ops.quotas_slot s
            WHERE s.resource = asked_resource AND s.user_id = asked_user AND s.number = places
        ) THEN
            INSERT INTO ops.quotas_slot (resource, user_id, number)
            SELECT asked_resource, asked_user, n FROM generate_series(1, places) n ON CONFLICT DO NOTHING;
        END IF;
        UPDATE ops.quotas_slot s
        SET holder = by_holder, service = left(by_service, 100), taken_at = at,
            expires_at = at + make_interval(secs => force.ttl_seconds)
        WHERE s.resource = asked_resource AND s.user_id = asked_user AND s.number = (
            SELECT f.number FROM ops.quotas_slot f
            WHERE f.resource = asked_resource AND f.user_id = asked_user AND f.number <= places
                AND (f.holder IS NULL OR f.expires_at <= at)
            ORDER BY f.number LIMIT 1 FOR UPDATE SKIP LOCKED
        );
        allowed := FOUND OR limit_value IS NULL;
        used := CASE WHEN limit_value IS NULL THEN used
                     WHEN allowed THEN least(used, limit_value - 1) ELSE greatest(used, limit_value) END;
    END IF;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_take(text, text, text, uuid, text) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_take(text, text, text, uuid, text)

-- The holders' sign of life, all of a process at once; answers with those that still hold their place.
CREATE OR REPLACE FUNCTION ops_v1.quota_keep(holders uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
UPDATE ops.quotas_slot s SET expires_at = clock_timestamp() + make_interval(secs => r.ttl_seconds)
FROM ops.quotas_resource r
WHERE s.holder = ANY (holders) AND r.name = s.resource AND s.expires_at > clock_timestamp()
RETURNING s.holder
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_keep(uuid[]) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_keep(uuid[])

-- Gives a place back. One that was lost meanwhile has another holder, and this changes nothing.
CREATE OR REPLACE FUNCTION ops_v1.quota_leave(by_holder uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
WITH given_back AS (
    UPDATE ops.quotas_slot SET holder = NULL, expires_at = NULL, taken_at = NULL, service = ''
    WHERE holder = by_holder RETURNING 1
) SELECT EXISTS (SELECT FROM given_back)
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_leave(uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_leave(uuid)
