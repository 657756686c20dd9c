-- What the console's second role sees and may do: it alone reads and writes the backend's own tables, so whatever their
-- owner plants there (a trigger, a rule, a policy, an operator) runs with its rights and no others. It reads the views
-- below, and changes the console's tables only through begin_slice and finish_slice: a slice of an action is one
-- transaction of rows, marks, outcomes, outbox and audit. Code that a slice runs can call both and lie about rows of
-- running actions; it can name no actor, reason, kind or id, and reaches nothing else.

CREATE SCHEMA IF NOT EXISTS ops_sources;
-- foreign: GRANT USAGE ON SCHEMA ops_sources

CREATE OR REPLACE VIEW ops_sources.mark AS
SELECT kind, operation_id, version, attempts, handled_version, heartbeat_at, last_command_at, snoozed_until, last_verb,
       action_ids
FROM ops.operations_operationmark;
-- foreign: GRANT SELECT ON ops_sources.mark

CREATE OR REPLACE VIEW ops_sources.tracked_kind AS
SELECT kind, dead_after_seconds, providers FROM ops.operations_trackedkind;
-- foreign: GRANT SELECT ON ops_sources.tracked_kind

-- Lists unite what backends track with their own tables in one statement.
CREATE OR REPLACE VIEW ops_sources.tracked_operation AS
SELECT operation_id, kind, owner_id, tier, title, status, version, attempt, payload, providers, queued_at, started_at,
       heartbeat_at, expected_at, is_slow, finished_at, progress_rate, progress_note, resources, worker, service,
       error_type, error_message, error_place, error_group, failure
FROM ops.operations_trackedoperation;
-- foreign: GRANT SELECT ON ops_sources.tracked_operation

CREATE OR REPLACE VIEW ops_sources.chunk AS
SELECT c.id, c.action_id, a.kind, c.operation_ids, c.seen_statuses, c.seen_ages, c.seen_versions, c.statuses_before
FROM ops.operations_chunk AS c JOIN ops.operations_action AS a ON a.id = c.action_id;
-- foreign: GRANT SELECT ON ops_sources.chunk

-- Takes the next free chunk of a running action until the transaction ends; no row where there is none or somebody else
-- has it. The action is locked shared: other workers may release other chunks, but a cancel waits for us and is then
-- obeyed by all. A paced one is one worker's at a time, since its pace is counted in its own row, and so is one whose
-- first few are looked at. One slice of a kind runs at a time: what it marks, the next one sees before it locks a row.
CREATE OR REPLACE FUNCTION ops_sources.begin_slice(of_action bigint)
RETURNS TABLE (chunk bigint, released integer, size integer, rate_per_second double precision, paced_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    held ops.operations_action;
BEGIN
    SELECT * INTO held FROM ops.operations_action AS a
    WHERE a.id = of_action AND a.rate_per_second IS NULL AND NOT a.canary FOR SHARE;
    IF NOT FOUND THEN
        SELECT * INTO held FROM ops.operations_action AS a
        WHERE a.id = of_action AND (a.rate_per_second IS NOT NULL OR a.canary) FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    IF held.state IS DISTINCT FROM 'running' THEN
        RETURN;
    END IF;
    SELECT c.id, c.released, cardinality(c.operation_ids), held.rate_per_second, held.paced_at
    INTO chunk, released, size, rate_per_second, paced_at
    FROM ops.operations_chunk AS c WHERE c.action_id = of_action AND c.state = 'pending'
    ORDER BY c.number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        PERFORM pg_advisory_xact_lock(hashtext('ops.release.' || held.kind));
        RETURN NEXT;
    END IF;
END $$;

-- Writes down what a slice has done, of the next operations of a chunk in their frozen order: `outcomes` holds one for
-- each, NULL for what was changed, and `details` its reason. The other arrays are as long, or NULL: the payloads of a
-- command, the owners who are told, and which rows could not keep the reason themselves. `sparse`: only what could not,
-- and what has a mark already, gets one. `status_set` is the status that the rows have now, for retries; `note` goes
-- to the marks of rows that could not keep the reason; a command that frees resources waits for `free_after`.
CREATE OR REPLACE FUNCTION ops_sources.finish_slice(
    of_action bigint, of_chunk bigint, outcomes text[], details text[], payloads jsonb[], owners text[], unnoted boolean[],
    sparse boolean, status_set text, note text, free_after interval
) RETURNS TABLE (changed integer, finished_meanwhile integer, locked integer, ineligible integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held ops.operations_action;
    part ops.operations_chunk;
    slice_first integer;
    slice_last integer;
    commanded text;
    delay interval := interval '0';
    is_command boolean;
    n_changed integer;
    n_finished integer;
    n_locked integer;
    n_ineligible integer;
BEGIN
    SELECT * INTO held FROM ops.operations_action AS a WHERE a.id = of_action FOR SHARE;
    SELECT * INTO part FROM ops.operations_chunk AS c
    WHERE c.id = of_chunk AND c.action_id = of_action AND c.state = 'pending' FOR NO KEY UPDATE;
    IF held.state IS DISTINCT FROM 'running' OR part.id IS NULL THEN
        RAISE EXCEPTION 'this part of the action is not being released' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    slice_first := part.released + 1;
    slice_last := part.released + coalesce(cardinality(outcomes), 0);
    IF slice_last < slice_first OR slice_last > cardinality(part.operation_ids)
        OR cardinality(outcomes) IS DISTINCT FROM cardinality(details)
        OR cardinality(coalesce(payloads, '{}')) NOT IN (0, cardinality(outcomes))
        OR cardinality(coalesce(owners, '{}')) NOT IN (0, cardinality(outcomes))
        OR cardinality(coalesce(unnoted, '{}')) NOT IN (0, cardinality(outcomes))
        OR array_remove(outcomes, NULL) && ARRAY(
            SELECT o FROM unnest(outcomes) AS o WHERE o NOT IN ('finished_meanwhile', 'locked', 'ineligible')) THEN
        RAISE EXCEPTION 'the results are not those of the next operations of this part'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    is_command := held.verb <> 'snooze';
    IF held.verb IN ('retry', 'release') THEN
        commanded := 'retry';
    ELSIF held.verb = 'free' OR held.frees THEN
        commanded := 'free';
        -- After a failure resources stay for a while: until then it can be taken back.
        delay := CASE WHEN held.verb = 'free' THEN interval '0' ELSE greatest(free_after, interval '0') END;
    END IF;

    WITH judged AS MATERIALIZED (
        SELECT s.*, m.version IS NOT NULL AS has_mark, coalesce(m.version, 0) AS version_now,
            -- A failure's why, when, by whom and by which action stands in the row itself where it can.
            NOT coalesce(sparse, false) OR m.version IS NOT NULL OR coalesce(s.unnoted, false) AS kept_beside
        FROM ROWS FROM (
            unnest(part.operation_ids[slice_first:slice_last]), unnest(part.seen_statuses[slice_first:slice_last]),
            unnest(outcomes), unnest(details), unnest(payloads), unnest(owners), unnest(unnoted)
        ) WITH ORDINALITY AS s (id, status, outcome, detail, payload, owner_id, unnoted, place)
        LEFT JOIN LATERAL (
            SELECT one.version FROM ops.operations_operationmark AS one
            WHERE one.kind = held.kind AND one.operation_id = s.id OFFSET 0
        ) AS m ON TRUE
    ), marked AS (
        INSERT INTO ops.operations_operationmark AS m (kind, operation_id, version, attempts, last_command_at,
            snoozed_until, last_verb, reason, note, status_before, action_ids)
        SELECT held.kind, j.id, j.version_now + is_command::integer, (held.verb = 'retry')::integer,
            CASE WHEN is_command THEN now() END, held.snooze_until, held.verb, held.reason,
            CASE WHEN j.unnoted THEN left(note, 500) ELSE '' END,
            -- Only a status that a retry has replaced can be wanted back. What stands behind one may be longer, and is cut.
            CASE WHEN commanded IS DISTINCT FROM 'retry' OR j.status = status_set THEN ''
                WHEN j.status = '' THEN E'\x01empty' ELSE coalesce(left(j.status, 60), E'\x01null') END,
            ARRAY[held.id]
        FROM judged AS j WHERE j.outcome IS NULL AND j.kept_beside
        ON CONFLICT (kind, operation_id) DO UPDATE SET
            version = excluded.version, attempts = m.attempts + excluded.attempts,
            last_command_at = coalesce(excluded.last_command_at, m.last_command_at),
            snoozed_until = excluded.snoozed_until,
            last_verb = excluded.last_verb, reason = excluded.reason, note = excluded.note,
            status_before = CASE WHEN is_command THEN excluded.status_before ELSE m.status_before END,
            action_ids = (excluded.action_ids || m.action_ids)[1:20]
    ), excepted AS (
        INSERT INTO ops.operations_outcome (action_id, operation_id, outcome, detail)
        SELECT held.id, j.id, j.outcome, left(coalesce(j.detail, ''), 2000) FROM judged AS j WHERE j.outcome IS NOT NULL
        ON CONFLICT (action_id, operation_id) DO NOTHING
    ), sent AS (
        INSERT INTO ops.operations_command (action_id, kind, verb, reason, operation_ids, versions, payloads, due_at,
            available_at)
        SELECT held.id, held.kind, commanded, held.reason, array_agg(j.id ORDER BY j.place),
            array_agg(j.version_now + j.kept_beside::integer ORDER BY j.place),
            jsonb_agg(j.payload ORDER BY j.place), now() + delay, now() + delay
        FROM judged AS j WHERE j.outcome IS NULL AND commanded IS NOT NULL HAVING count(*) > 0
    ), noticed AS (
        INSERT INTO ops.operations_usernotice AS n (action_id, user_id, operations)
        SELECT held.id, left(j.owner_id, 200), count(*) FROM judged AS j
        WHERE held.notifies AND j.outcome IS NULL AND j.owner_id <> ''
        GROUP BY 2 ORDER BY 2
        ON CONFLICT (action_id, user_id) DO UPDATE SET operations = n.operations + excluded.operations
    )
    SELECT count(*) FILTER (WHERE outcome IS NULL), count(*) FILTER (WHERE outcome = 'finished_meanwhile'),
        count(*) FILTER (WHERE outcome = 'locked'), count(*) FILTER (WHERE outcome = 'ineligible')
    INTO n_changed, n_finished, n_locked, n_ineligible FROM judged;

    UPDATE ops.operations_chunk AS c SET
        released = slice_last, changed = c.changed + n_changed, finished_meanwhile = c.finished_meanwhile + n_finished,
        locked = c.locked + n_locked, ineligible = c.ineligible + n_ineligible,
        state = CASE WHEN slice_last = cardinality(c.operation_ids) THEN 'done' ELSE c.state END,
        done_at = CASE WHEN slice_last = cardinality(c.operation_ids) THEN now() END
    WHERE c.id = part.id;
    IF held.rate_per_second <> 0 THEN
        UPDATE ops.operations_action AS a SET paced_at = now() WHERE a.id = held.id;
    END IF;
    -- After the first few, all of them, a person looks.
    IF held.canary AND part.number = 0 AND slice_last = cardinality(part.operation_ids) AND slice_last < held.total THEN
        UPDATE ops.operations_action AS a SET state = 'paused', canary = false WHERE a.id = held.id;
    END IF;
    INSERT INTO ops.audit_entry (source, actor_id, actor, via, credential, action, target_type, target_id, target_label,
        reason, after, request_id)
    VALUES ('service', held.actor_id, held.actor, held.via, left(held.credential, 100), 'operations.release', 'action',
        held.id::text, held.label, held.reason, jsonb_build_object('chunk', part.number + 1, 'changed', n_changed,
        'finished_meanwhile', n_finished, 'locked', n_locked, 'ineligible', n_ineligible), '');
    RETURN QUERY SELECT n_changed, n_finished, n_locked, n_ineligible;
END $$;

REVOKE ALL ON FUNCTION ops_sources.begin_slice(bigint),
    ops_sources.finish_slice(bigint, bigint, text[], text[], jsonb[], text[], boolean[], boolean, text, text, interval)
    FROM PUBLIC;
-- foreign: GRANT EXECUTE ON FUNCTION ops_sources.begin_slice(bigint)
-- foreign: GRANT EXECUTE ON FUNCTION ops_sources.finish_slice(bigint, bigint, text[], text[], jsonb[], text[], boolean[], boolean, text, text, interval)

-- The object in `kept` with those of the object `added` before its closing brace. Of an empty one the brace is followed by
-- a space: so `without_failure` knows it from a NULL that has become an object.
CREATE OR REPLACE FUNCTION ops_sources.appended(kept text, added text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT rtrim(left(rtrim(kept, E' \t\r\n'), -1), E' \t\r\n')
        || CASE WHEN kept ~ '^\s*\{\s*\}' THEN ' ' ELSE ', ' END || substr(added, 2)
$$;

-- `with_failure` for whatever text: what cannot be read ends a block of its own, which costs more than all the rest.
CREATE OR REPLACE FUNCTION ops_sources.with_failure_of_any(kept text, added text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF json_typeof(kept::json) <> 'object' THEN
        RETURN NULL;
    END IF;
    IF kept ~ '"error_(reason|at|by|action)"' THEN
        RETURN (kept::jsonb || added::jsonb)::text;
    END IF;
    RETURN ops_sources.appended(kept, added);
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END $$;

-- The object in `kept` with the keys of the object `added` set, and every other key as it was written: reading and
-- writing the whole would round and reorder. NULL becomes an object; NULL comes back for text that holds none.
-- Short text that is plainly an object, as nearly all is, can be told without a block (from PostgreSQL 16 on).
DO $version$ BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION ops_sources.with_failure(kept text, added text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT CASE
                WHEN kept IS NULL THEN added
                WHEN %s THEN ops_sources.appended(kept, added)
                ELSE ops_sources.with_failure_of_any(kept, added)
            END
        $$
    $function$, CASE WHEN current_setting('server_version_num')::integer >= 160000
        THEN $$length(kept) < 4000 AND kept !~ '"error_(reason|at|by|action)"' AND kept IS JSON OBJECT$$ ELSE 'FALSE' END);
END $version$;

-- `kept` without what `with_failure` has put there; '' where that was a NULL, NULL where `kept` holds no such thing.
CREATE OR REPLACE FUNCTION ops_sources.without_failure(kept text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    string CONSTANT text := '"(?:\\.|[^"\\])*"';
    ours CONSTANT text := format('"error_reason": %1$s, "error_at": %1$s, "error_by": %1$s, "error_action": \d+\}$', string);
BEGIN
    IF json_typeof(kept::json) <> 'object' THEN
        RETURN NULL;
    END IF;
    IF kept ~ ('^\{' || ours) THEN
        RETURN '';
    END IF;
    IF kept ~ ours THEN
        RETURN regexp_replace(kept, '(?:, | )?' || ours, '}');
    END IF;
    RETURN (kept::jsonb - ARRAY['error_reason', 'error_at', 'error_by', 'error_action'])::text;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END $$;

-- Where they were before.
DROP FUNCTION IF EXISTS ops.with_failure(text, text), ops.with_failure_of_any(text, text), ops.without_failure(text),
    ops.appended(text, text);
