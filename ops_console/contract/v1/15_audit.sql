-- The audit record is append-only, and also records what came round the services.

CREATE OR REPLACE FUNCTION ops.audit_is_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('ops.audit_expiring', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed or removed' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON ops.audit_entry
FOR EACH ROW EXECUTE FUNCTION ops.audit_is_append_only();
CREATE OR REPLACE TRIGGER audit_table_stays BEFORE TRUNCATE ON ops.audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION ops.audit_is_append_only();

-- Retention: the one way an entry leaves. Runs as the owner; the console's role may call it and nothing more.
-- The two moments are compared, not the intervals: '-1200 months 36090 days' is more than '90 days', since intervals
-- compare by months of 30 days, and yet it lies in the future.
CREATE OR REPLACE FUNCTION ops.expire_audit(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    expired bigint;
    expires_before timestamptz := now() - older_than;
BEGIN
    IF expires_before IS NULL OR expires_before > now() - interval '90 days' THEN
        RAISE EXCEPTION 'audit entries are kept for at least 90 days';
    END IF;
    PERFORM set_config('ops.audit_expiring', 'on', true);
    DELETE FROM ops.audit_entry WHERE at < expires_before;
    GET DIAGNOSTICS expired = ROW_COUNT;
    PERFORM set_config('ops.audit_expiring', '', true);
    RETURN expired;
END $$;
REVOKE ALL ON FUNCTION ops.expire_audit(interval) FROM PUBLIC;

-- A write that no service recorded: kept at commit with the database role that made it. A service marks its
-- transaction (set_config 'ops.audited'), and this trigger, being deferred, sees the mark whatever the order.
CREATE OR REPLACE FUNCTION ops.audit_unrecorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
    some_row jsonb := coalesce(new_row, old_row);
BEGIN
    -- As text: jsonb calls 5 and 5.0 equal.
    IF current_setting('ops.audited', true) = 'on' OR old_row::text IS NOT DISTINCT FROM new_row::text THEN
        RETURN NULL;
    END IF;
    INSERT INTO ops.audit_entry
        (at, source, actor, via, action, target_type, target_id, target_label, reason, before, after, request_id)
    VALUES
        (now(), 'trigger', session_user, 'database', TG_ARGV[0] || '.' || lower(TG_OP), TG_ARGV[0],
         coalesce(some_row ->> 'id', some_row ->> 'name', '?'),
         left(coalesce(some_row ->> 'name', some_row ->> 'id', TG_TABLE_NAME), 300), '', old_row, new_row, '');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ops.audit_table(table_name regclass, target_type text) RETURNS void
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND tgname = 'audit_unrecorded') THEN
        EXECUTE format(
            'CREATE CONSTRAINT TRIGGER audit_unrecorded AFTER INSERT OR UPDATE OR DELETE ON %s '
            'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.audit_unrecorded(%L)',
            table_name, target_type
        );
    END IF;
END $$;
