-- Rate: a ring of 21 buckets, each a twentieth of the window, all counted: no window can hold more than the limit.
-- ops_client.quotas.ring is the same arithmetic. A clock that goes back turns nothing. A ring of another window
-- length (the resource was edited) counts whole, as of now.
CREATE OR REPLACE FUNCTION ops.quota_turned(ring ops.quotas_ring, bucket bigint, window_length integer)
RETURNS ops.quotas_ring
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    passed bigint := bucket - ring.newest;
BEGIN
    IF ring.window_seconds <> window_length THEN
        ring.counts := array_fill(0::bigint, ARRAY[20]) || (SELECT sum(n)::bigint FROM unnest(ring.counts) n);
        ring.window_seconds := window_length;
        ring.newest := bucket;
    ELSIF passed > 20 THEN
        ring.counts := array_fill(0::bigint, ARRAY[21]);
        ring.newest := bucket;
    ELSIF passed > 0 THEN
        ring.counts := ring.counts[passed + 1:21] || array_fill(0::bigint, ARRAY[passed::integer]);
        ring.newest := bucket;
    END IF;
    RETURN ring;
END $$;

-- Counts `cost` if it fits; a refused call is not counted. The time is an argument for the tests' virtual clock.
CREATE OR REPLACE FUNCTION ops.quota_hit_at(
    asked_resource text, asked_user text, asked_tier text, cost bigint, at_seconds double precision,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT window_seconds integer, OUT newest bigint, OUT counts bigint[],
    OUT now_seconds double precision
) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
DECLARE
    force record;
    ring ops.quotas_ring;
    bucket bigint;
    edited boolean;
BEGIN
    SELECT f.* INTO force FROM ops.quota_in_force(asked_resource, asked_user, asked_tier, to_timestamp(at_seconds)) f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    kind := force.kind; limit_value := force.limit_value; source := force.source; policy := force.policy;
    shadow := force.shadow; window_seconds := force.window_seconds; now_seconds := at_seconds;
    IF kind = 'rate' THEN
        bucket := floor(at_seconds * 20 / window_seconds);
        SELECT r.* INTO ring FROM ops.quotas_ring r
        WHERE r.resource = asked_resource AND r.user_id = asked_user FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO ops.quotas_ring (resource, user_id, window_seconds, newest, counts)
            VALUES (asked_resource, asked_user, window_seconds, bucket, array_fill(0::bigint, ARRAY[21]))
            ON CONFLICT DO NOTHING;
            SELECT r.* INTO ring FROM ops.quotas_ring r
            WHERE r.resource = asked_resource AND r.user_id = asked_user FOR UPDATE;
        END IF;
        edited := ring.window_seconds <> window_seconds;
        ring := ops.quota_turned(ring, bucket, window_seconds);
        allowed := limit_value IS NULL OR (SELECT sum(n) FROM unnest(ring.counts) n) + cost <= limit_value;
        IF allowed THEN
            -- Capped, so that the count of somebody without a limit cannot run over.
            ring.counts[21] := least(ring.counts[21], 9007199254740992) + cost;
        END IF;
        -- A refusal writes nothing, but for the new window: its count as of now must be of one moment.
        IF allowed OR edited THEN
            UPDATE ops.quotas_ring r
            SET window_seconds = ring.window_seconds, newest = ring.newest, counts = ring.counts
            WHERE r.resource = asked_resource AND r.user_id = asked_user;
        END IF;
        newest := ring.newest; counts := ring.counts;
    END IF;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION ops_v1.quota_hit(
    asked_resource text, asked_user text, asked_tier text, cost bigint,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT window_seconds integer, OUT newest bigint, OUT counts bigint[],
    OUT now_seconds double precision
) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
SELECT * FROM ops.quota_hit_at(
    asked_resource, asked_user, asked_tier, cost, extract(epoch FROM clock_timestamp())::double precision
)
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_hit(text, text, text, bigint) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_hit(text, text, text, bigint)
