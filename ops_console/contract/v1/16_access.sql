-- Roles, passwords and doors that are changed round the console (psql, createsuperuser, a script) are recorded with
-- the database role that did it. Never a password's hash.

CREATE OR REPLACE FUNCTION ops.audit_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) - 'password' - 'last_login' END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) - 'password' - 'last_login' END;
    some_row jsonb := coalesce(new_row, old_row);
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.password IS DISTINCT FROM NEW.password THEN
        new_row := new_row || '{"password": "changed"}';
    END IF;
    IF old_row IS NOT DISTINCT FROM new_row OR ops.is_recorded('person', some_row ->> 'id') THEN
        RETURN NULL;
    END IF;
    INSERT INTO ops.audit_entry
        (at, source, actor, via, action, target_type, target_id, target_label, reason, before, after, request_id)
    VALUES
        (now(), 'trigger', session_user, 'database', 'person.' || lower(TG_OP), 'person', some_row ->> 'id',
         left(some_row ->> 'username', 300), '', old_row, new_row, '');
    RETURN NULL;
END $$;

SELECT ops.audit_table('ops.approvals_approvalrule', 'approval_rule', 'kind');

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = 'ops.access_user'::regclass AND tgname = 'audit_person'
    ) THEN
        CREATE CONSTRAINT TRIGGER audit_person AFTER INSERT OR UPDATE OR DELETE ON ops.access_user
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.audit_person();
    END IF;
END $$;

-- A token that is planted or made to last longer round the console, likewise; never its hash. A use is no change, and
-- rows that retention lets go have been of no use for long. An entry about the person covers that their tokens end.
CREATE OR REPLACE FUNCTION ops.audit_token() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    IF ops.is_recorded('token', NEW.id::text) OR (
        TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL AND ops.is_recorded('person', NEW.user_id::text)
        AND to_jsonb(NEW) - 'revoked_at' = to_jsonb(OLD) - 'revoked_at'
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO ops.audit_entry
        (at, source, actor, via, action, target_type, target_id, target_label, reason, before, after, request_id)
    VALUES
        (now(), 'trigger', session_user, 'database', 'token.' || lower(TG_OP), 'token', NEW.id::text, NEW.name, '',
         CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) - 'token_hash' END, to_jsonb(NEW) - 'token_hash', '');
    RETURN NULL;
END $$;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = 'ops.access_apitoken'::regclass AND tgname = 'audit_token'
    ) THEN
        CREATE CONSTRAINT TRIGGER audit_token
        AFTER INSERT OR UPDATE OF user_id, name, key, token_hash, role, scopes, expires_at, revoked_at
        ON ops.access_apitoken
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.audit_token();
    END IF;
END $$;
