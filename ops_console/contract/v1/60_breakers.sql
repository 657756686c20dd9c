-- Breakers. Backends read the shared state and report what they see; they move the state only through functions,
-- which compare and set on the epoch. Each checks before it writes: a statement that touches no row would still
-- raise the revision. Shared times are this database's clock.
SELECT ops.follow_table('ops.breakers_breaker', 'breakers'), ops.follow_table('ops.breakers_override', 'breakers'),
       ops.audit_table('ops.breakers_override', 'breaker', 'name');

CREATE OR REPLACE VIEW ops_v1.breaker AS
SELECT b.name, b.config, b.status, b.epoch, b.since, b.probe_until, b.cause,
       o.mode AS override_mode, o.expires_at AS override_expires_at, clock_timestamp() AS database_at
FROM ops.breakers_breaker b LEFT JOIN ops.breakers_override o ON o.name = b.name AND o.mode <> '';
-- backend: GRANT SELECT ON ops_v1.breaker

CREATE OR REPLACE VIEW ops_v1.breaker_report AS
SELECT breaker_id AS breaker, instance_id, status, epoch, calls, failures, slow, reported_at
FROM ops.breakers_report;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.breaker_report

-- Makes a breaker known, or brings its settings to what the code of the newest process says. Names are those that the
-- client takes; the times are read by `take_probe`, in seconds.
CREATE OR REPLACE FUNCTION ops_v1.register_breaker(breaker_name text, breaker_config jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    field text;
BEGIN
    IF breaker_name IS NULL OR breaker_name !~ '^[a-z0-9][a-z0-9_.-]{0,99}$' OR breaker_name ~ '\n' THEN
        RAISE EXCEPTION 'breaker_name: is 1 to 100 of a-z, 0-9, "_", "." and "-", and begins with a letter or a digit'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF breaker_config IS NULL OR jsonb_typeof(breaker_config) <> 'object' OR length(breaker_config::text) > 4000 THEN
        RAISE EXCEPTION 'breaker_config: is an object of at most 4,000 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH field IN ARRAY ARRAY['open_seconds', 'probe_seconds'] LOOP
        IF coalesce(jsonb_typeof(breaker_config -> field), '') <> 'number'
            OR (breaker_config ->> field)::numeric NOT BETWEEN 0 AND 86400 * 366 THEN
            RAISE EXCEPTION 'breaker_config: % is a number of seconds, up to a year', field
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM ops.breakers_breaker WHERE name = breaker_name) THEN
        INSERT INTO ops.breakers_breaker (name, config) VALUES (breaker_name, breaker_config) ON CONFLICT DO NOTHING;
    ELSIF EXISTS (SELECT FROM ops.breakers_breaker WHERE name = breaker_name AND config <> breaker_config) THEN
        UPDATE ops.breakers_breaker SET config = breaker_config WHERE name = breaker_name;
    END IF;
END $$;
REVOKE ALL ON FUNCTION ops_v1.register_breaker(text, jsonb) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.register_breaker(text, jsonb)

-- Writes a move and its place in the timeline. Callers hold the row's lock and have checked that it may move.
CREATE OR REPLACE FUNCTION ops.set_breaker(
    old ops.breakers_breaker, to_status text, why text, by_service text, by_instance uuid, lease_seconds float
) RETURNS bigint
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    UPDATE ops.breakers_breaker SET
        status = to_status, epoch = old.epoch + 1, cause = left(why, 300),
        -- Open runs from the failure that opened it; a probe does not restart it, its failure does.
        since = CASE WHEN to_status = 'half_open' AND old.status = 'half_open' THEN since ELSE clock_timestamp() END,
        probe_holder = CASE WHEN to_status = 'half_open' THEN by_instance END,
        probe_until = CASE WHEN to_status = 'half_open'
                           THEN clock_timestamp() + make_interval(secs => lease_seconds) END
    WHERE name = old.name;
    INSERT INTO ops.breakers_transition (breaker_id, at, from_status, to_status, epoch, cause, service, instance_id)
    VALUES (old.name, clock_timestamp(), old.status, to_status, old.epoch + 1, left(why, 300),
            left(by_service, 100), by_instance);
    RETURN old.epoch + 1;
END $$;
REVOKE ALL ON FUNCTION ops.set_breaker(ops.breakers_breaker, text, text, text, uuid, float) FROM PUBLIC;

-- Nobody changes a breaker's name: a lock that leaves it free lets the console add an override meanwhile.

-- Opens a closed breaker for everybody; or ends half-open, which only the holder of the probe may, within its epoch.
-- NULL: somebody else was first, and the caller's view is out of date.
CREATE OR REPLACE FUNCTION ops_v1.move_breaker(
    breaker_name text, seen_epoch bigint, to_status text, why text, by_service text, by_instance uuid
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old ops.breakers_breaker;
BEGIN
    SELECT * INTO old FROM ops.breakers_breaker WHERE name = breaker_name FOR NO KEY UPDATE;
    IF old.epoch IS DISTINCT FROM seen_epoch OR to_status NOT IN ('open', 'closed') THEN
        RETURN NULL;
    END IF;
    IF (old.status = 'closed' AND to_status = 'open')
        OR (old.status = 'half_open' AND old.probe_holder = by_instance) THEN
        RETURN ops.set_breaker(old, to_status, why, by_service, by_instance, 0);
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ops_v1.move_breaker(text, bigint, text, text, text, uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.move_breaker(text, bigint, text, text, text, uuid)

-- Gives the one probe: when the open time is over, or when the last probe's lease ran out. Returns its epoch, or NULL.
CREATE OR REPLACE FUNCTION ops_v1.take_probe(
    breaker_name text, seen_epoch bigint, by_service text, by_instance uuid
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old ops.breakers_breaker;
    why text := 'the open time is over: one probe';
BEGIN
    SELECT * INTO old FROM ops.breakers_breaker WHERE name = breaker_name FOR NO KEY UPDATE;
    IF old.epoch IS DISTINCT FROM seen_epoch OR old.status = 'closed' THEN
        RETURN NULL;
    END IF;
    IF old.status = 'open'
        AND old.since + make_interval(secs => (old.config ->> 'open_seconds')::float) > clock_timestamp() THEN
        RETURN NULL;
    END IF;
    IF old.status = 'half_open' THEN
        IF old.probe_until > clock_timestamp() THEN
            RETURN NULL;
        END IF;
        why := 'the last probe was lost: another one';
    END IF;
    RETURN ops.set_breaker(
        old, 'half_open', why, by_service, by_instance, (old.config ->> 'probe_seconds')::float
    );
END $$;
REVOKE ALL ON FUNCTION ops_v1.take_probe(text, bigint, text, uuid) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.take_probe(text, bigint, text, uuid)
