-- Operations: a backend takes up commands and says what became of them, and tells that work is alive.
-- Everything it writes goes through the functions below: none of the console's tables is in its reach.

CREATE OR REPLACE VIEW ops_v1.command AS
SELECT id, kind, verb, state, cardinality(operation_ids) AS operations, handled, refused, attempts,
       created_at, available_at, leased_until, delivered_at, last_error
FROM ops.operations_command;
-- backend: GRANT SELECT ON ops_v1.command

-- Operations of a command that nobody has handled yet, and that no later command has overtaken.
CREATE OR REPLACE FUNCTION ops.command_remaining(command ops.operations_command)
RETURNS TABLE (operation_id text, version integer, attempt integer, payload jsonb)
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
    SELECT given.id, given.version, coalesce(m.attempts, 0), given.payload
    FROM ROWS FROM (
        unnest(command.operation_ids), unnest(command.versions), jsonb_array_elements(command.payloads)
    ) WITH ORDINALITY AS given (id, version, payload, position)
    LEFT JOIN ops.operations_operationmark AS m ON m.kind = command.kind AND m.operation_id = given.id
    -- What failed without a mark has the version 0 until somebody commands or handles it.
    WHERE CASE WHEN m.kind IS NULL THEN given.version = 0
          ELSE m.version = given.version AND m.handled_version < given.version END
    ORDER BY given.position
$$;

-- The oldest command that one of `wanted` (`kind.verb`) handles, leased to `holder`; nothing if there is none. `holder` is
-- a token that the process makes anew for each claim: by it what an earlier claim reports late is refused.
-- A lease that runs out gives the command to the next who asks, with what remains of it. After three in a row that ran
-- out without any progress it is not given out: its handler may end the process that takes it.
CREATE OR REPLACE FUNCTION ops_v1.claim_command(wanted text[], holder uuid, lease_seconds integer)
RETURNS TABLE (id bigint, kind text, verb text, reason text, operations jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    taken ops.operations_command;
BEGIN
    -- What somebody handles is worth commanding. In one order, so that no two wait for each other.
    INSERT INTO ops.operations_handler AS h (name, seen_at) SELECT left(w, 80), now() FROM unnest(wanted) AS w ORDER BY w
    ON CONFLICT (name) DO UPDATE SET seen_at = now() WHERE h.seen_at < now() - interval '30 seconds';
    UPDATE ops.operations_command AS c
    SET leased_by = holder, leased_until = now() + make_interval(secs => lease_seconds), attempts = c.attempts + 1,
        lapses = c.lapses + CASE WHEN c.leased_until IS NULL THEN 0 ELSE 1 END
    WHERE c.id = (
        SELECT q.id FROM ops.operations_command AS q
        WHERE q.state = 'queued' AND q.available_at <= now() AND q.attempts < 8
          AND (q.leased_until IS NULL OR q.leased_until < now() AND q.lapses < 2)
          AND q.kind || '.' || q.verb = ANY (wanted)
        ORDER BY q.available_at, q.id LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING c.* INTO taken;
    IF taken.id IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT taken.id, taken.kind::text, taken.verb::text, taken.reason, coalesce(
        (SELECT jsonb_agg(to_jsonb(r)) FROM ops.command_remaining(taken) AS r), '[]'
    );
END $$;

-- The handler still runs. False if the lease is somebody else's by now, or the command was taken back.
CREATE OR REPLACE FUNCTION ops_v1.prolong_command(command_id bigint, holder uuid, lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    UPDATE ops.operations_command SET leased_until = now() + make_interval(secs => lease_seconds)
    WHERE id = command_id AND leased_by = holder AND state = 'queued';
    RETURN FOUND;
END $$;

-- What became of operations: `results` holds `handled` [{operation_id, version}] and `refused` [{..., field, message}].
-- `ending` is '' (more is to come: the lease is prolonged), 'stop' (the holder ends: whoever asks next goes on) or
-- 'end' (it is through: what remains is tried again later, and after the eighth time is a dead letter).
-- False if the lease is somebody else's by now.
CREATE OR REPLACE FUNCTION ops_v1.ack_command(
    command_id bigint, holder uuid, results jsonb, ending text, error text, lease_seconds integer
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    held ops.operations_command;
    handled_first integer;
    handled_now integer;
    refused_now integer;
    remaining integer;
BEGIN
    SELECT * INTO held FROM ops.operations_command
    WHERE id = command_id AND leased_by = holder AND state = 'queued' FOR UPDATE;
    IF held.id IS NULL THEN
        RETURN false;
    END IF;

    INSERT INTO ops.operations_operationmark (kind, operation_id)
    SELECT held.kind, r.operation_id
    FROM jsonb_to_recordset(results -> 'handled') AS r (operation_id text, version integer) WHERE r.version = 0
    ON CONFLICT (kind, operation_id) DO NOTHING;
    GET DIAGNOSTICS handled_first = ROW_COUNT;
    UPDATE ops.operations_operationmark AS m SET handled_version = r.version, status_before = ''
    FROM jsonb_to_recordset(results -> 'handled') AS r (operation_id text, version integer)
    WHERE m.kind = held.kind AND m.operation_id = r.operation_id
      AND m.version = r.version AND m.handled_version < r.version;
    GET DIAGNOSTICS handled_now = ROW_COUNT;
    handled_now := handled_now + handled_first;

    WITH refused AS (
        UPDATE ops.operations_operationmark AS m SET handled_version = r.version, note = left(r.message, 2000)
        FROM jsonb_to_recordset(results -> 'refused') AS r (operation_id text, version integer, message text)
        WHERE m.kind = held.kind AND m.operation_id = r.operation_id
          AND m.version = r.version AND m.handled_version < r.version
        RETURNING m.operation_id, m.note
    ), refused_first AS (
        INSERT INTO ops.operations_operationmark (kind, operation_id, note)
        SELECT held.kind, r.operation_id, left(r.message, 2000)
        FROM jsonb_to_recordset(results -> 'refused') AS r (operation_id text, version integer, message text)
        WHERE r.version = 0
        ON CONFLICT (kind, operation_id) DO NOTHING
        RETURNING operation_id, note
    )
    INSERT INTO ops.operations_outcome (action_id, operation_id, outcome, detail)
    SELECT held.action_id, r.operation_id, 'refused', r.note
    FROM (SELECT * FROM refused UNION ALL SELECT * FROM refused_first) AS r
    ON CONFLICT (action_id, operation_id) DO NOTHING;
    GET DIAGNOSTICS refused_now = ROW_COUNT;

    UPDATE ops.operations_command AS c SET
        handled = c.handled + handled_now, refused = c.refused + refused_now,
        leased_until = CASE WHEN ending = '' THEN now() + make_interval(secs => lease_seconds) END,
        leased_by = CASE WHEN ending = '' THEN holder END,
        attempts = c.attempts - CASE WHEN ending = 'stop' THEN 1 ELSE 0 END,
        lapses = CASE WHEN ending <> '' OR handled_now + refused_now > 0 THEN 0 ELSE c.lapses END,
        last_error = left(error, 2000)
    WHERE c.id = held.id;
    IF ending <> 'end' THEN
        RETURN true;
    END IF;

    SELECT count(*) INTO remaining FROM ops.command_remaining(held);
    UPDATE ops.operations_command AS c SET
        state = CASE WHEN remaining = 0 THEN 'delivered' WHEN c.attempts >= 8 THEN 'dead' ELSE 'queued' END,
        delivered_at = CASE WHEN remaining = 0 THEN now() END,
        -- Twice as long each time, up to five minutes, and never two at the same moment.
        available_at = now() + make_interval(secs => least(300, 2 ^ c.attempts) * (0.5 + random()))
    WHERE c.id = held.id;
    PERFORM pg_notify('ops_live', '{"topic": "operations"}');
    RETURN true;
END $$;

-- Work is alive: as of now it is not stuck, whatever its own row says.
CREATE OR REPLACE FUNCTION ops_v1.heartbeat(operation_kind text, operation text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
    INSERT INTO ops.operations_operationmark (kind, operation_id, heartbeat_at)
    VALUES (operation_kind, operation, now())
    ON CONFLICT (kind, operation_id) DO UPDATE SET heartbeat_at = now()
$$;

REVOKE ALL ON FUNCTION ops_v1.claim_command(text[], uuid, integer),
    ops_v1.prolong_command(bigint, uuid, integer),
    ops_v1.ack_command(bigint, uuid, jsonb, text, text, integer), ops_v1.heartbeat(text, text) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.claim_command(text[], uuid, integer)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.prolong_command(bigint, uuid, integer)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.ack_command(bigint, uuid, jsonb, text, text, integer)
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.heartbeat(text, text)
