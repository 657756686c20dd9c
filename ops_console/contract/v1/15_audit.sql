-- The audit record: append-only, stamped and sealed by the database, and aware of what came round the services.

-- When, in which order, in which transaction and as which database role an entry was written is the database's word,
-- whatever the client sends. Runs as the client's role: only the owner's functions may write entries of source 'trigger'.
CREATE OR REPLACE FUNCTION ops.stamp_audit_entry() RETURNS trigger
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    IF NEW.id IS DISTINCT FROM currval('ops.audit_entry_id_seq') THEN
        RAISE EXCEPTION 'audit entries are numbered by the database' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.source <> 'service' AND NOT EXISTS (
        SELECT FROM pg_class c WHERE c.oid = TG_RELID AND pg_get_userbyid(c.relowner) = current_user
    ) THEN
        RAISE EXCEPTION 'only the database records writes outside the console'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.at := clock_timestamp();
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    NEW.database_role := session_user;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER stamp_audit_entry BEFORE INSERT ON ops.audit_entry
FOR EACH ROW EXECUTE FUNCTION ops.stamp_audit_entry();

-- Entries leave when they are older than the owner's retention, and never otherwise, whoever deletes them.
CREATE OR REPLACE FUNCTION ops.audit_expires_before() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
SELECT now() - make_interval(days => greatest(days, 90)) FROM ops.audit_retention WHERE id = 1
$$;

CREATE OR REPLACE FUNCTION ops.audit_is_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_ARGV[0] = 'expires' AND OLD.at < ops.audit_expires_before() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed or removed' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON ops.audit_entry
FOR EACH ROW EXECUTE FUNCTION ops.audit_is_append_only('expires');
CREATE OR REPLACE TRIGGER audit_table_stays BEFORE TRUNCATE ON ops.audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION ops.audit_is_append_only();
CREATE OR REPLACE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON ops.audit_seal
FOR EACH ROW EXECUTE FUNCTION ops.audit_is_append_only();
CREATE OR REPLACE TRIGGER audit_table_stays BEFORE TRUNCATE ON ops.audit_seal
FOR EACH STATEMENT EXECUTE FUNCTION ops.audit_is_append_only();

-- What the owner decides: days that entries are kept. The console's role only reads it.
INSERT INTO ops.audit_retention (id, days) VALUES (1, 400) ON CONFLICT DO NOTHING;

-- Which entries no seal covers yet. Not a mark at the highest sealed id: a transaction that commits late has a lower one.
CREATE OR REPLACE FUNCTION ops.queue_for_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    INSERT INTO ops.audit_unsealed (entry_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER queue_for_seal AFTER INSERT ON ops.audit_entry
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ops.queue_for_seal();

-- The form in which an entry is hashed. `ops_console/audit/verification.py` computes the same without this function.
CREATE OR REPLACE FUNCTION ops.audit_canonical(e ops.audit_entry) RETURNS text
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
SELECT jsonb_build_array(
    1, e.id, extract(epoch FROM e.at), e.source, e.actor_id, e.actor, e.via, e.credential, e.action, e.target_type,
    e.target_id, e.target_label, e.reason, e.before, e.after, host(e.address), e.request_id, e.database_role,
    e.transaction_id
)::text
$$;

-- Adds a link to the chain of seals. The lock keeps the chain one; a role without rights on the table cannot hold it.
CREATE OR REPLACE FUNCTION ops.append_seal(
    added_kind text, added_newest_at timestamptz, added_ids int8multirange, added_digests bytea
)
RETURNS ops.audit_seal
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
DECLARE
    added ops.audit_seal;
BEGIN
    SELECT id, hash INTO added.id, added.previous FROM ops.audit_seal ORDER BY id DESC LIMIT 1;
    added.id := coalesce(added.id, 0) + 1;
    added.previous := coalesce(added.previous, ''::bytea);
    added.sealed_at := clock_timestamp();
    added.kind := added_kind;
    added.newest_at := added_newest_at;
    added.ids := added_ids;
    added.digests := added_digests;
    added.hash := sha256(added.previous || convert_to(concat_ws(
        '|', added.id, extract(epoch FROM added.sealed_at), added.kind, extract(epoch FROM added.newest_at), added.ids, ''
    ), 'UTF8') || added.digests);
    INSERT INTO ops.audit_seal (id, sealed_at, kind, newest_at, ids, digests, previous, hash)
    VALUES (added.id, added.sealed_at, added.kind, added.newest_at, added.ids, added.digests, added.previous, added.hash);
    RETURN added;
END $$;
REVOKE ALL ON FUNCTION ops.append_seal(text, timestamptz, int8multirange, bytea) FROM PUBLIC;

-- Seals what is visible and has no seal, at most 5,000 entries of one day; no row where there is nothing. An entry that
-- was removed before it was sealed gets the digest of nothing, so that its removal is found.
CREATE OR REPLACE FUNCTION ops.seal_audit(OUT seal bigint, OUT sealed_at timestamptz, OUT entries bigint, OUT head text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    due_ids int8multirange;
    due_digests bytea;
    due_until timestamptz;
    added ops.audit_seal;
BEGIN
    LOCK TABLE ops.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    WITH first AS (
        SELECT u.entry_id, e.at FROM ops.audit_unsealed u LEFT JOIN ops.audit_entry e ON e.id = u.entry_id
        ORDER BY u.entry_id LIMIT 5000
    ), due AS (
        DELETE FROM ops.audit_unsealed
        WHERE entry_id IN (
            SELECT entry_id FROM first WHERE coalesce(at < (SELECT min(at) FROM first) + interval '1 day', true)
        )
        RETURNING entry_id
    )
    SELECT count(*), coalesce(max(e.at), now()), range_agg(int8range(d.entry_id, d.entry_id, '[]')),
           string_agg(sha256(convert_to(coalesce(ops.audit_canonical(e), ''), 'UTF8')), ''::bytea ORDER BY d.entry_id)
    INTO entries, due_until, due_ids, due_digests
    FROM due d LEFT JOIN ops.audit_entry e ON e.id = d.entry_id;
    IF entries = 0 THEN
        RETURN;
    END IF;
    added := ops.append_seal('entries', due_until, due_ids, due_digests);
    seal := added.id;
    sealed_at := added.sealed_at;
    head := encode(added.hash, 'hex');
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION ops.seal_audit() FROM PUBLIC;

-- Retention: the one way an entry leaves. Takes no argument, so that whoever calls it can do only what the nightly task
-- does. Which ids went stands in the chain of seals.
DROP FUNCTION IF EXISTS ops.expire_audit(interval);
CREATE OR REPLACE FUNCTION ops.expire_audit() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    expired bigint;
    expired_ids int8multirange;
BEGIN
    LOCK TABLE ops.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    WITH gone AS (
        DELETE FROM ops.audit_entry e
        WHERE e.at < ops.audit_expires_before()
          AND NOT EXISTS (SELECT FROM ops.audit_unsealed u WHERE u.entry_id = e.id)
        RETURNING e.id
    )
    SELECT count(*), range_agg(int8range(id, id, '[]')) INTO expired, expired_ids FROM gone;
    IF expired > 0 THEN
        PERFORM ops.append_seal('expiry', ops.audit_expires_before(), expired_ids, ''::bytea);
    END IF;
    RETURN expired;
END $$;
REVOKE ALL ON FUNCTION ops.expire_audit() FROM PUBLIC;

-- Whether a service wrote an entry about this thing in this transaction. A setting could be set by anybody.
CREATE OR REPLACE FUNCTION ops.is_recorded(thing_type text, thing_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM ops.audit_entry e
    WHERE e.target_id = thing_id AND e.target_type = thing_type AND e.at >= now()
      AND e.transaction_id = pg_current_xact_id()::text::bigint AND e.source = 'service'
)
$$;

-- A write that no service recorded: kept at commit with the database role that made it. Being deferred, the trigger
-- sees the entries of its transaction, whatever the order. Its arguments: the type that entries have, and the columns
-- that make their id.
CREATE OR REPLACE FUNCTION ops.audit_unrecorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
    some_row jsonb := coalesce(new_row, old_row);
    thing_id text := concat_ws('/', some_row ->> TG_ARGV[1], some_row ->> TG_ARGV[2]);
BEGIN
    -- As text: jsonb calls 5 and 5.0 equal.
    IF old_row::text IS NOT DISTINCT FROM new_row::text OR ops.is_recorded(TG_ARGV[0], thing_id) THEN
        RETURN NULL;
    END IF;
    INSERT INTO ops.audit_entry
        (at, source, actor, via, action, target_type, target_id, target_label, reason, before, after, request_id)
    VALUES
        (now(), 'trigger', session_user, 'database', TG_ARGV[0] || '.' || lower(TG_OP), TG_ARGV[0],
         left(thing_id, 200), left(coalesce(some_row ->> 'name', thing_id), 300), '', old_row, new_row, '');
    RETURN NULL;
END $$;

-- `unless`: a condition on OLD and NEW of updates that need no entry.
CREATE OR REPLACE FUNCTION ops.audit_table(
    table_name regclass, target_type text, key text, second_key text DEFAULT '', unless text DEFAULT 'false'
) RETURNS void
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    -- What an earlier contract made; it took other arguments.
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND tgname = 'audit_unrecorded') THEN
        EXECUTE format('DROP TRIGGER audit_unrecorded ON %s', table_name);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND tgname = 'audit_update') THEN
        EXECUTE format(
            'CREATE CONSTRAINT TRIGGER audit_update AFTER UPDATE ON %1$s DEFERRABLE INITIALLY DEFERRED '
            'FOR EACH ROW WHEN (NOT (%5$s)) EXECUTE FUNCTION ops.audit_unrecorded(%2$L, %3$L, %4$L);'
            'CREATE CONSTRAINT TRIGGER audit_row AFTER INSERT OR DELETE ON %1$s DEFERRABLE INITIALLY DEFERRED '
            'FOR EACH ROW EXECUTE FUNCTION ops.audit_unrecorded(%2$L, %3$L, %4$L)',
            table_name, target_type, key, second_key, unless
        );
    END IF;
END $$;
DROP FUNCTION IF EXISTS ops.audit_table(regclass, text);
SELECT ops.audit_table('ops.audit_retention', 'audit_retention', 'id');
