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

-- Permits that a process leased in `bucket` and has not used, and never will: that bucket holds them no longer.
CREATE OR REPLACE FUNCTION ops.quota_given_back(ring ops.quotas_ring, bucket bigint, amount bigint)
RETURNS ops.quotas_ring
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    place bigint := 21 - (ring.newest - bucket);
BEGIN
    IF place BETWEEN 1 AND 21 THEN
        ring.counts[place] := greatest(0, ring.counts[place] - amount);
    END IF;
    RETURN ring;
END $$;

-- When the ring has lost `wanted` of its count, in seconds from `at_seconds`; when it has lost all, where it has less.
CREATE OR REPLACE FUNCTION ops.quota_free_in(ring ops.quotas_ring, wanted bigint, at_seconds double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    freed bigint := 0;
    last bigint;
BEGIN
    FOR place IN 1..21 LOOP
        IF ring.counts[place] > 0 THEN
            freed := freed + ring.counts[place];
            last := place;
            EXIT WHEN freed >= wanted;
        END IF;
    END LOOP;
    RETURN greatest(0, coalesce((ring.newest + last) * ring.window_seconds / 20::double precision - at_seconds, 0));
END $$;

-- Counts the cost if it fits; a refused call is not counted. `wanted` permits beside it are leased, at most an eighth
-- of what is left, so that what others may need is never held; they are counted now and void after `lease_seconds`,
-- when the bucket or the override ends. `back` is what is left of an earlier lease of the caller's. The kind is NULL
-- for a resource that is not defined. The time is an argument for the tests' virtual clock; without it the clock is
-- read once the ring is held: a call that waited for others counts when it passes, not when it came, and by the limit
-- of then.
CREATE OR REPLACE FUNCTION ops.quota_hit_at(
    asked_resource text, asked_user text, asked_tier text, asked_cost bigint, at_seconds double precision,
    wanted bigint DEFAULT 0, back_bucket bigint DEFAULT NULL, back bigint DEFAULT 0,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT window_seconds integer, OUT used bigint, OUT reset_seconds double precision,
    OUT retry_seconds double precision, OUT cost bigint, OUT trial_limit bigint,
    OUT granted bigint, OUT lease_seconds double precision, OUT newest bigint, OUT counts bigint[]
)
LANGUAGE plpgsql AS $$
DECLARE
    now_seconds double precision;
    at timestamptz;
    force record;
    ring ops.quotas_ring;
    bucket bigint;
    changed boolean;
    counted bigint;
BEGIN
    LOOP
        SELECT r.* INTO ring FROM ops.quotas_ring r
        WHERE r.resource = asked_resource AND r.user_id = asked_user FOR UPDATE;
        now_seconds := coalesce(at_seconds, extract(epoch FROM clock_timestamp())::double precision);
        at := to_timestamp(now_seconds);
        SELECT f.* INTO force FROM ops.quota_in_force(asked_resource, asked_user, asked_tier, at) f;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        kind := force.kind; limit_value := force.limit_value; source := force.source; policy := force.policy;
        shadow := force.shadow; window_seconds := force.window_seconds; trial_limit := force.trial_limit;
        cost := coalesce(asked_cost, force.cost); granted := 0;
        IF kind <> 'rate' THEN
            RETURN;
        END IF;
        bucket := floor(now_seconds * 20 / window_seconds);
        EXIT WHEN ring.user_id IS NOT NULL;
        INSERT INTO ops.quotas_ring (resource, user_id, window_seconds, newest, counts)
        VALUES (asked_resource, asked_user, window_seconds, bucket, array_fill(0::bigint, ARRAY[21]))
        ON CONFLICT DO NOTHING;
    END LOOP;
    changed := back > 0;
    IF changed THEN
        ring := ops.quota_given_back(ring, back_bucket, back);
    END IF;
    IF ring.window_seconds <> window_seconds OR bucket > ring.newest THEN
        changed := changed OR ring.window_seconds <> window_seconds;
        ring := ops.quota_turned(ring, bucket, window_seconds);
    END IF;
    used := 0;
    FOREACH counted IN ARRAY ring.counts LOOP
        used := used + counted;
    END LOOP;
    allowed := limit_value IS NULL OR used + cost <= limit_value;
    IF allowed THEN
        IF wanted > 0 AND trial_limit IS NULL THEN
            granted := CASE WHEN limit_value IS NULL THEN wanted
                            ELSE least(wanted, (limit_value - used - cost) / 8) END;
            lease_seconds := (ring.newest + 1) * window_seconds / 20::double precision - now_seconds;
            IF force.expires_at IS NOT NULL THEN
                lease_seconds := least(lease_seconds, extract(epoch FROM force.expires_at) - now_seconds);
            END IF;
        END IF;
        -- Capped, so that the count of somebody without a limit cannot run over.
        ring.counts[21] := least(ring.counts[21], 9007199254740992) + cost + granted;
        used := used + cost + granted;
        retry_seconds := 0;
    ELSE
        retry_seconds := ops.quota_free_in(ring, used + cost - limit_value, now_seconds);
    END IF;
    reset_seconds := ops.quota_free_in(ring, 1, now_seconds);
    -- A refusal writes nothing, but for what came back, and for a new window: its count as of now must be of one moment.
    IF allowed OR changed THEN
        UPDATE ops.quotas_ring r
        SET window_seconds = ring.window_seconds, newest = ring.newest, counts = ring.counts
        WHERE r.resource = asked_resource AND r.user_id = asked_user;
    END IF;
    newest := ring.newest; counts := ring.counts;
END $$;

CREATE OR REPLACE FUNCTION ops_v1.quota_hit(
    asked_resource text, asked_user text, asked_tier text, asked_cost bigint,
    wanted bigint DEFAULT 0, back_bucket bigint DEFAULT NULL, back bigint DEFAULT 0,
    OUT kind text, OUT limit_value bigint, OUT source text, OUT policy text, OUT shadow boolean,
    OUT allowed boolean, OUT window_seconds integer, OUT used bigint, OUT reset_seconds double precision,
    OUT retry_seconds double precision, OUT cost bigint, OUT trial_limit bigint,
    OUT granted bigint, OUT lease_seconds double precision, OUT newest bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    -- Not LANGUAGE sql: that costs half as much again.
    SELECT h.* INTO kind, limit_value, source, policy, shadow, allowed, window_seconds, used, reset_seconds,
                    retry_seconds, cost, trial_limit, granted, lease_seconds, newest
    FROM ops.quota_hit_at(asked_resource, asked_user, asked_tier, asked_cost, NULL, wanted, back_bucket, back) h;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_hit(text, text, text, bigint, bigint, bigint, bigint) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_hit(text, text, text, bigint, bigint, bigint, bigint)

-- Unused permits of many leases. In the order of the rings, so that two processes never wait for each other.
CREATE OR REPLACE FUNCTION ops_v1.quota_give_back(resources text[], users text[], buckets bigint[], amounts bigint[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    lease record;
    ring ops.quotas_ring;
BEGIN
    FOR lease IN
        SELECT * FROM unnest(resources, users, buckets, amounts) AS l(resource, user_id, bucket, amount) ORDER BY 1, 2
    LOOP
        SELECT r.* INTO ring FROM ops.quotas_ring r
        WHERE r.resource = lease.resource AND r.user_id = lease.user_id FOR UPDATE;
        IF FOUND THEN
            ring := ops.quota_given_back(ring, lease.bucket, lease.amount);
            UPDATE ops.quotas_ring r SET counts = ring.counts
            WHERE r.resource = lease.resource AND r.user_id = lease.user_id;
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_give_back(text[], text[], bigint[], bigint[]) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_give_back(text[], text[], bigint[], bigint[])
