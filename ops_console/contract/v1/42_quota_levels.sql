-- Storage: reserve, commit, release. Whoever reserves holds the level's row, so that two cannot both see the last room.
CREATE OR REPLACE FUNCTION ops_v1.quota_reserve(
    asked_resource text, asked_user text, asked_tier text, amount bigint, reservation uuid,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT used bigint, OUT cost bigint, OUT trial_limit bigint
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    force record;
    at timestamptz := clock_timestamp();
BEGIN
    SELECT f.* INTO force FROM ops.quota_in_force(asked_resource, asked_user, asked_tier, at) f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    kind := force.kind; limit_value := force.limit_value; source := force.source; policy := force.policy;
    shadow := force.shadow; cost := amount; trial_limit := force.trial_limit;
    IF kind = 'storage' THEN
        INSERT INTO ops.quotas_level (resource, user_id) VALUES (asked_resource, asked_user) ON CONFLICT DO NOTHING;
        SELECT l.used INTO used FROM ops.quotas_level l
        WHERE l.resource = asked_resource AND l.user_id = asked_user FOR UPDATE;
        used := used + (
            SELECT coalesce(sum(r.amount), 0) FROM ops.quotas_reservation r
            WHERE r.resource = asked_resource AND r.user_id = asked_user AND r.expires_at > at
        );
        allowed := limit_value IS NULL OR used + amount <= limit_value;
        -- In shadow nobody is refused, and what is stored is stored: it counts.
        IF allowed OR shadow THEN
            INSERT INTO ops.quotas_reservation (id, resource, user_id, amount, expires_at)
            VALUES (reservation, asked_resource, asked_user, amount, at + make_interval(secs => force.ttl_seconds));
        END IF;
    END IF;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_reserve(text, text, text, bigint, uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_reserve(text, text, text, bigint, uuid)

-- What was reserved is stored now, as `actual` or as reserved; false when the reservation is gone. One that has run
-- out but still stands is counted all the same: its bytes are there.
CREATE OR REPLACE FUNCTION ops_v1.quota_commit(reservation uuid, actual bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    gone ops.quotas_reservation;
BEGIN
    DELETE FROM ops.quotas_reservation r WHERE r.id = reservation RETURNING r.* INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO ops.quotas_level AS l (resource, user_id, used, changed_at)
    VALUES (gone.resource, gone.user_id, coalesce(actual, gone.amount), clock_timestamp())
    ON CONFLICT (resource, user_id) DO UPDATE SET used = l.used + excluded.used, changed_at = excluded.changed_at;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_commit(uuid, bigint) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_commit(uuid, bigint)

CREATE OR REPLACE FUNCTION ops_v1.quota_release(reservation uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
WITH gone AS (DELETE FROM ops.quotas_reservation WHERE id = reservation RETURNING 1) SELECT EXISTS (SELECT FROM gone)
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_release(uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_release(uuid)

-- Something stored was deleted. The level never falls below zero.
CREATE OR REPLACE FUNCTION ops_v1.quota_free(asked_resource text, asked_user text, amount bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
UPDATE ops.quotas_level SET used = greatest(0, used - amount), changed_at = clock_timestamp()
WHERE resource = asked_resource AND user_id = asked_user
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_free(text, text, bigint) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_free(text, text, bigint)

-- Allowance: a counter a calendar period. The first use of a new period starts it at nothing.
CREATE OR REPLACE FUNCTION ops_v1.quota_consume(
    asked_resource text, asked_user text, asked_tier text, asked_cost bigint,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT used bigint, OUT reset_seconds double precision, OUT cost bigint, OUT trial_limit bigint
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    force record;
    at timestamptz := clock_timestamp();
    begun timestamptz;
    counted_from timestamptz;
BEGIN
    SELECT f.* INTO force FROM ops.quota_in_force(asked_resource, asked_user, asked_tier, at) f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    kind := force.kind; limit_value := force.limit_value; source := force.source; policy := force.policy;
    shadow := force.shadow; cost := coalesce(asked_cost, force.cost); trial_limit := force.trial_limit;
    IF kind = 'allowance' THEN
        begun := ops.quota_period(force.period, force.zone, at, 0);
        reset_seconds := extract(epoch FROM ops.quota_period(force.period, force.zone, at, 1) - at);
        INSERT INTO ops.quotas_counter (resource, user_id, period_start, used)
        VALUES (asked_resource, asked_user, begun, 0) ON CONFLICT DO NOTHING;
        SELECT c.used, c.period_start INTO used, counted_from FROM ops.quotas_counter c
        WHERE c.resource = asked_resource AND c.user_id = asked_user FOR UPDATE;
        -- A clock that goes back must not hand out the old period a second time.
        IF counted_from < begun THEN
            used := 0;
        END IF;
        allowed := limit_value IS NULL OR used + cost <= limit_value;
        IF allowed OR shadow THEN
            UPDATE ops.quotas_counter c
            SET used = least(quota_consume.used, 9007199254740992) + cost, period_start = greatest(counted_from, begun)
            WHERE c.resource = asked_resource AND c.user_id = asked_user;
        END IF;
    END IF;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_consume(text, text, text, bigint) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_consume(text, text, text, bigint)
