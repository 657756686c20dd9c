-- Operations that a backend tracks: start, sign of life, resources, end. Every write says under which version it
-- works, and changes nothing once an operator, or a later start, has taken the operation from it. A write waits 1 s for a
-- row that another transaction holds; the client then writes other operations first, and this one later.

CREATE OR REPLACE VIEW ops_v1.operation AS
SELECT kind, operation_id, owner_id, tier, title, status, version, attempt, queued_at, started_at, heartbeat_at,
       expected_at, is_slow, finished_at, progress_rate, progress_note, resources, worker, service,
       error_type, error_message, error_place, error_group
FROM ops.operations_trackedoperation;
-- backend: GRANT SELECT ON ops_v1.operation

-- The kind, and the operation as queued where it is new; what stands stays.
CREATE OR REPLACE FUNCTION ops.operation_known(given jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
DECLARE
    named text[] := ARRAY(SELECT left(name, 100) FROM jsonb_array_elements_text(given -> 'providers') AS name);
BEGIN
    INSERT INTO ops.operations_trackedkind AS k (kind, service, providers, dead_after_seconds)
    VALUES (given ->> 'kind', given ->> 'service', named, (given ->> 'dead_after_seconds')::integer)
    ON CONFLICT (kind) DO UPDATE SET
        service = excluded.service, providers = excluded.providers, dead_after_seconds = excluded.dead_after_seconds
    WHERE (k.service, k.providers, k.dead_after_seconds)
        IS DISTINCT FROM (excluded.service, excluded.providers, excluded.dead_after_seconds);
    INSERT INTO ops.operations_trackedoperation
        (kind, operation_id, owner_id, tier, title, status, payload, providers, service)
    VALUES (given ->> 'kind', given ->> 'operation_id', coalesce(left(given ->> 'owner_id', 200), ''), left(given ->> 'tier', 60),
        left(given ->> 'title', 300), 'queued', coalesce(given -> 'payload', '{}'), named, given ->> 'service')
    ON CONFLICT (operation_id) DO NOTHING;
    RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION ops.operation_happened(
    o ops.operations_trackedoperation, what text, version integer, worker text, detail text
) RETURNS void
LANGUAGE sql SET search_path = ops, pg_temp AS $$
    INSERT INTO ops.operations_trackedevent (kind, operation_id, what, attempt, version, worker, detail)
    VALUES (o.kind, o.operation_id, what, o.attempt, version, left(worker, 200), left(detail, 2000))
$$;

-- Work that waits for a worker: it is not stuck, however long it waits. False if the operation is known already.
CREATE OR REPLACE FUNCTION ops_v1.operation_queue(given jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    o ops.operations_trackedoperation;
BEGIN
    IF NOT ops.operation_known(given) THEN
        RETURN false;
    END IF;
    SELECT * INTO o FROM ops.operations_trackedoperation
    WHERE operation_id = given ->> 'operation_id';
    PERFORM ops.operation_happened(o, 'queued', 0, '', '');
    RETURN true;
END $$;

-- An attempt begins. With a `version`, which a command brought, only if the operation still waits for that one; without
-- one always: the newest start holds the operation, and whoever held it before is refused from then on. An id of
-- another kind is refused too, with that kind for its status.
CREATE OR REPLACE FUNCTION ops_v1.operation_start(given jsonb)
RETURNS TABLE (held boolean, version integer, attempt integer, status text, resources jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
    o ops.operations_trackedoperation;
    wanted integer := (given ->> 'version')::integer;
    standing integer;
    began timestamptz := now() - make_interval(secs => coalesce((given ->> 'began_seconds_ago')::float, 0));
BEGIN
    PERFORM ops.operation_known(given);
    SELECT * INTO o FROM ops.operations_trackedoperation AS t
    WHERE t.operation_id = given ->> 'operation_id' FOR UPDATE;
    IF o.kind <> given ->> 'kind' THEN
        RETURN QUERY SELECT false, o.version, o.attempt, o.kind::text, o.resources;
        RETURN;
    END IF;
    -- Only after the lock: a command that was released while we waited has raised it.
    SELECT m.version INTO standing FROM ops.operations_operationmark AS m
    WHERE m.kind = o.kind AND m.operation_id = o.operation_id;
    standing := coalesce(standing, 0);
    IF wanted IS NOT NULL AND (o.status <> 'queued' OR standing <> wanted) THEN
        PERFORM ops.operation_happened(o, 'refused', wanted, given ->> 'worker', 'start');
        RETURN QUERY SELECT false, standing, o.attempt, o.status::text, o.resources;
        RETURN;
    END IF;
    IF wanted IS NULL AND o.status <> 'queued' THEN
        INSERT INTO ops.operations_operationmark AS m (kind, operation_id, version)
        VALUES (o.kind, o.operation_id, 1)
        ON CONFLICT (kind, operation_id) DO UPDATE SET version = m.version + 1
        RETURNING m.version INTO standing;
    END IF;
    UPDATE ops.operations_trackedoperation AS t SET
        status = 'running', version = standing, attempt = t.attempt + 1, started_at = began, heartbeat_at = now(),
        expected_at = began + make_interval(secs => (given ->> 'expected_seconds')::float), is_slow = false,
        finished_at = NULL, progress_rate = NULL, progress_note = '', worker = left(given ->> 'worker', 200),
        service = given ->> 'service', failure = NULL,
        error_type = '', error_message = '', error_place = '', error_group = ''
    WHERE t.operation_id = o.operation_id RETURNING * INTO o;
    PERFORM ops.operation_happened(o, 'started', standing, o.worker, '');
    RETURN QUERY SELECT true, standing, o.attempt, o.status::text, o.resources;
END $$;

-- Signs of life of many operations [{kind, operation_id, version, progress_rate, progress_note}]; answers those that
-- are not in the sender's hands any more, with how they stand. A row that another transaction holds is left for the next
-- time: waiting for it would silence all the others.
CREATE OR REPLACE FUNCTION ops_v1.operation_sign(signs jsonb)
RETURNS TABLE (kind text, operation_id text, version integer, status text)
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(signs)
            AS g (kind text, operation_id text, version integer, progress_rate float, progress_note text)
    ), at_hand AS MATERIALIZED (
        SELECT t.operation_id FROM ops.operations_trackedoperation AS t
        WHERE t.operation_id IN (SELECT g.operation_id FROM given AS g) AND t.status = 'running'
        FOR NO KEY UPDATE SKIP LOCKED
    ), alive AS (
        UPDATE ops.operations_trackedoperation AS t SET
            heartbeat_at = now(), is_slow = coalesce(t.expected_at < now(), false),
            progress_rate = g.progress_rate, progress_note = left(g.progress_note, 300)
        FROM given AS g, at_hand AS h
        WHERE t.operation_id = g.operation_id AND h.operation_id = g.operation_id
          AND t.status = 'running' AND t.version = g.version
    )
    SELECT g.kind, g.operation_id, g.version, coalesce(t.status, 'gone')
    FROM given AS g
    LEFT JOIN ops.operations_trackedoperation AS t ON t.operation_id = g.operation_id
    WHERE t.status IS DISTINCT FROM 'running' OR t.version <> g.version
$$;

-- What is to be freed should the worker not come back, before it is used, and without it once it is freed: that may be
-- said after the end too.
CREATE OR REPLACE FUNCTION ops_v1.operation_resources(given jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp SET lock_timeout = '1s' AS $$
BEGIN
    UPDATE ops.operations_trackedoperation AS t SET resources = given -> 'resources'
    WHERE t.operation_id = given ->> 'operation_id'
      AND t.version = (given ->> 'version')::integer
      AND (t.status = 'running' OR jsonb_array_length(given -> 'resources') < jsonb_array_length(t.resources));
    RETURN FOUND;
END $$;

-- The attempt ends, with `error` {type, message, place, group} or without. A writer that comes too late changes nothing
-- and is told how the operation stands.
CREATE OR REPLACE FUNCTION ops_v1.operation_finish(given jsonb)
RETURNS TABLE (held boolean, version integer, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
    o ops.operations_trackedoperation;
    error jsonb := nullif(given -> 'error', 'null');
    ending text := CASE WHEN nullif(given -> 'error', 'null') IS NULL THEN 'succeeded' ELSE 'failed' END;
BEGIN
    UPDATE ops.operations_trackedoperation AS t SET
        status = ending, heartbeat_at = now(), finished_at = now(), is_slow = false,
        progress_rate = CASE WHEN ending = 'succeeded' THEN 1 ELSE t.progress_rate END,
        error_type = coalesce(left(error ->> 'type', 200), ''), error_message = coalesce(left(error ->> 'message', 2000), ''),
        error_place = coalesce(left(error ->> 'place', 300), ''), error_group = coalesce(left(error ->> 'group', 32), '')
    WHERE t.operation_id = given ->> 'operation_id'
      AND t.status = 'running' AND t.version = (given ->> 'version')::integer
    RETURNING * INTO o;
    IF FOUND THEN
        PERFORM ops.operation_happened(o, ending, o.version, o.worker, o.error_message);
        RETURN QUERY SELECT true, o.version, o.status::text;
        RETURN;
    END IF;
    SELECT * INTO o FROM ops.operations_trackedoperation AS t
    WHERE t.operation_id = given ->> 'operation_id';
    IF FOUND THEN
        PERFORM ops.operation_happened(o, 'refused', (given ->> 'version')::integer, given ->> 'worker', ending);
    END IF;
    RETURN QUERY SELECT false, coalesce(o.version, 0), coalesce(o.status::text, 'gone');
END $$;

REVOKE ALL ON FUNCTION ops.operation_known(jsonb),
    ops.operation_happened(ops.operations_trackedoperation, text, integer, text, text), ops_v1.operation_queue(jsonb),
    ops_v1.operation_start(jsonb), ops_v1.operation_sign(jsonb), ops_v1.operation_resources(jsonb),
    ops_v1.operation_finish(jsonb) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.operation_queue(jsonb)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.operation_start(jsonb)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.operation_sign(jsonb)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.operation_resources(jsonb)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.operation_finish(jsonb)
