-- Flags as the client's evaluator reads them: one row a flag, waffle's audience included.
SELECT ops.follow_table('ops.flags_flag', 'flags'), ops.follow_table('ops.flags_flag_groups', 'flags'),
       ops.follow_table('ops.flags_flag_users', 'flags'), ops.audit_table('ops.flags_flag', 'flag', 'id'),
       -- A group's name is what rules compare with: a new name is new configuration.
       ops.follow_table('ops.auth_group', 'flags'),
       ops.follow_table('ops.flags_segment', 'flags'), ops.audit_table('ops.flags_segment', 'segment', 'id');

CREATE OR REPLACE VIEW ops_v1.flag AS
SELECT f.id, f.name, f.everyone, f.percent, f.testing, f.superusers, f.staff, f.authenticated, f.languages,
       ARRAY(
           SELECT g.name::text FROM ops.flags_flag_groups fg JOIN ops.auth_group g ON g.id = fg.group_id
           WHERE fg.flag_id = f.id ORDER BY g.name
       ) AS groups,
       ARRAY(
           SELECT fu.user_id::text FROM ops.flags_flag_users fu WHERE fu.flag_id = f.id ORDER BY fu.user_id
       ) AS users,
       f.rules, f.archived_at IS NOT NULL AS archived, f.version, f.modified AS updated_at,
       f.variants, f.prerequisites, f.on_at, f.off_at
FROM ops.flags_flag f;
-- backend: GRANT SELECT ON ops_v1.flag

-- What each flag's row is, in short: a client reads only the rows whose digest it does not know. Of the row's text, in
-- which jsonb's 5 and 5.0 differ. It says nothing of order or time, so that no commit can be missed.
CREATE OR REPLACE VIEW ops_v1.flag_digest AS SELECT f.name, hashtextextended(f::text, 0) AS digest FROM ops_v1.flag f;
-- backend: GRANT SELECT ON ops_v1.flag_digest

CREATE OR REPLACE VIEW ops_v1.segment AS SELECT name, constraints FROM ops.flags_segment;
-- backend: GRANT SELECT ON ops_v1.segment

-- How often each name was asked for, an hour a row; backends add to it. Facts: no revision, no notification.
CREATE OR REPLACE VIEW ops_v1.flag_usage AS
SELECT flag, hour, service, variant, result, count, last_at FROM ops.flags_usage;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.flag_usage

-- The first and last hour of each name and answer, kept beside the counts: how stale a flag is must not cost a look
-- at all of its hours. The hour is part of usage's key, so that an update changes nothing here. In the order of names, as
-- usage itself is written: two processes never wait for each other in a ring.
CREATE OR REPLACE FUNCTION ops.keep_evaluation_spans() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    INSERT INTO ops.flags_evaluationspan AS kept (flag, on_since, on_until, off_since, off_until)
    SELECT flag, min(hour) FILTER (WHERE result), max(hour) FILTER (WHERE result),
           min(hour) FILTER (WHERE NOT result), max(hour) FILTER (WHERE NOT result)
    FROM added WHERE char_length(flag) <= 100 -- no flag has a longer name
    GROUP BY flag ORDER BY flag COLLATE "C"
    ON CONFLICT (flag) DO UPDATE
    SET on_since = least(kept.on_since, excluded.on_since), on_until = greatest(kept.on_until, excluded.on_until),
        off_since = least(kept.off_since, excluded.off_since), off_until = greatest(kept.off_until, excluded.off_until)
    WHERE (least(kept.on_since, excluded.on_since), greatest(kept.on_until, excluded.on_until),
           least(kept.off_since, excluded.off_since), greatest(kept.off_until, excluded.off_until))
        IS DISTINCT FROM (kept.on_since, kept.on_until, kept.off_since, kept.off_until);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER keep_evaluation_spans AFTER INSERT ON ops.flags_usage
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ops.keep_evaluation_spans();

-- Who was seen; an upsert that merges has to read what it merges with.
CREATE OR REPLACE VIEW ops_v1.flag_presence AS
SELECT user_id, seen_at, service, attributes FROM ops.flags_presence;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.flag_presence
