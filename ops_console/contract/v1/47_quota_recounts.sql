-- Storage against what is really there: the console asks, a backend that can measure answers.

-- One request that this backend can answer, held for ten minutes; a backend that died gives it back by that.
CREATE OR REPLACE FUNCTION ops_v1.quota_claim_recount(
    measurable text[], by_holder uuid, OUT id bigint, OUT resource text, OUT user_id text
) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
UPDATE ops.quotas_recount r
SET holder = by_holder, started_at = clock_timestamp(), held_until = clock_timestamp() + interval '10 minutes',
    measured = 0, drifted = 0, skipped = 0
WHERE r.id = (
    SELECT w.id FROM ops.quotas_recount w
    WHERE w.finished_at IS NULL AND w.resource = ANY (measurable)
        AND (w.held_until IS NULL OR w.held_until < clock_timestamp())
    ORDER BY w.user_id = '', w.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING r.id, r.resource, r.user_id
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_claim_recount(text[], uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_claim_recount(text[], uuid)

-- One level against its measure. 'skipped': something was stored, freed or reserved since the measuring began, and the
-- two are not of one moment.
CREATE OR REPLACE FUNCTION ops.quota_compare(request ops.quotas_recount, of_user text, total bigint) RETURNS text
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
DECLARE
    level ops.quotas_level;
BEGIN
    INSERT INTO ops.quotas_level (resource, user_id, used) VALUES (request.resource, of_user, 0) ON CONFLICT DO NOTHING;
    SELECT l.* INTO level FROM ops.quotas_level l
    WHERE l.resource = request.resource AND l.user_id = of_user FOR UPDATE;
    UPDATE ops.quotas_level l SET measured_at = clock_timestamp(),
        used = CASE WHEN request.correct AND NOT ops.quota_moved(level, request.started_at) THEN total ELSE l.used END
    WHERE l.resource = request.resource AND l.user_id = of_user;
    IF ops.quota_moved(level, request.started_at) THEN
        RETURN 'skipped';
    ELSIF level.used = total OR request.correct THEN
        DELETE FROM ops.quotas_drift d WHERE d.resource = request.resource AND d.user_id = of_user;
    ELSE
        INSERT INTO ops.quotas_drift (resource, user_id, used, measured)
        VALUES (request.resource, of_user, level.used, total)
        ON CONFLICT (resource, user_id) DO UPDATE
        SET used = excluded.used, measured = excluded.measured, measured_at = clock_timestamp();
    END IF;
    RETURN CASE WHEN level.used = total THEN 'right' ELSE 'drifted' END;
END $$;

CREATE OR REPLACE FUNCTION ops.quota_moved(level ops.quotas_level, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT coalesce(level.changed_at >= since, false) OR EXISTS (
    SELECT FROM ops.quotas_reservation r
    WHERE r.resource = level.resource AND r.user_id = level.user_id AND r.expires_at > since
)
$$;

-- What was measured, in batches; false when the request is another's by now.
CREATE OR REPLACE FUNCTION ops_v1.quota_measured(request_id bigint, by_holder uuid, users text[], totals bigint[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    request ops.quotas_recount;
    each record;
    found_out text;
BEGIN
    SELECT r.* INTO request FROM ops.quotas_recount r
    WHERE r.id = request_id AND r.holder = by_holder AND r.finished_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR each IN SELECT * FROM unnest(users, totals) AS m(user_id, total) ORDER BY 1 LOOP
        found_out := ops.quota_compare(request, each.user_id, greatest(0, each.total));
        request.measured := request.measured + 1;
        request.drifted := request.drifted + (found_out = 'drifted')::integer;
        request.skipped := request.skipped + (found_out = 'skipped')::integer;
    END LOOP;
    UPDATE ops.quotas_recount r
    SET measured = request.measured, drifted = request.drifted, skipped = request.skipped,
        held_until = clock_timestamp() + interval '10 minutes'
    WHERE r.id = request_id;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_measured(bigint, uuid, text[], bigint[]) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_measured(bigint, uuid, text[], bigint[])

-- The end of a measuring: whoever has a level and was not measured has nothing stored. Nothing follows from a failed one.
CREATE OR REPLACE FUNCTION ops_v1.quota_finish_recount(request_id bigint, by_holder uuid, failure text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    request ops.quotas_recount;
    missed text[];
BEGIN
    SELECT r.* INTO request FROM ops.quotas_recount r
    WHERE r.id = request_id AND r.holder = by_holder AND r.finished_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF failure = '' THEN
        SELECT array_agg(l.user_id) INTO missed FROM ops.quotas_level l
        WHERE l.resource = request.resource AND (request.user_id = '' OR l.user_id = request.user_id)
            AND l.used > 0 AND (l.measured_at IS NULL OR l.measured_at < request.started_at);
        IF missed IS NOT NULL THEN
            PERFORM ops_v1.quota_measured(
                request_id, by_holder, missed, array_fill(0::bigint, ARRAY[cardinality(missed)]));
        END IF;
    END IF;
    UPDATE ops.quotas_recount r SET finished_at = clock_timestamp(), error = left(failure, 500) WHERE r.id = request_id;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_finish_recount(bigint, uuid, text) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_finish_recount(bigint, uuid, text)
