-- Whom a flag lists by name stands in two tables beside it. What comes into or out of them round the services is
-- recorded as a change of the flag, by the names that people know.
CREATE OR REPLACE FUNCTION ops.listed_name(list text, listed jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = ops, pg_temp AS $$
SELECT CASE list
    WHEN 'users' THEN (SELECT username::text FROM ops.access_user WHERE id = (listed ->> 'user_id')::bigint)
    ELSE (SELECT name::text FROM ops.auth_group WHERE id = (listed ->> 'group_id')::bigint)
END
$$;

CREATE OR REPLACE FUNCTION ops.audit_listed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
BEGIN
    -- Whoever is removed from the console leaves the lists with it.
    IF ops.is_recorded('flag', coalesce(new_row, old_row) ->> 'flag_id') OR (TG_OP = 'DELETE' AND (
        ops.is_recorded('person', old_row ->> 'user_id') OR ops.is_recorded('group', old_row ->> 'group_id')
    )) THEN
        RETURN NULL;
    END IF;
    INSERT INTO ops.audit_entry
        (at, source, actor, via, action, target_type, target_id, target_label, reason, before, after, request_id)
    SELECT now(), 'trigger', session_user, 'database', 'flag.list', 'flag', f.id::text, f.name, '',
           jsonb_build_object(TG_ARGV[0], ops.listed_name(TG_ARGV[0], old_row)),
           jsonb_build_object(TG_ARGV[0], ops.listed_name(TG_ARGV[0], new_row)), ''
    -- Of a flag that is gone, its own removal is recorded.
    FROM ops.flags_flag f WHERE f.id = (coalesce(new_row, old_row) ->> 'flag_id')::bigint;
    RETURN NULL;
END $$;

DO $$
DECLARE
    list text;
BEGIN
    FOREACH list IN ARRAY ARRAY['users', 'groups'] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = ('ops.flags_flag_' || list)::regclass AND tgname = 'audit_listed'
        ) THEN
            EXECUTE format(
                'CREATE CONSTRAINT TRIGGER audit_listed AFTER INSERT OR UPDATE OR DELETE ON ops.flags_flag_%s '
                'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.audit_listed(%L)', list, list
            );
        END IF;
    END LOOP;
END $$;
