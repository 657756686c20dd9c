-- Flags as the client's evaluator reads them: one row a flag, waffle's audience included.
SELECT ops.follow_table('ops.flags_flag', 'flags'), ops.follow_table('ops.flags_flag_groups', 'flags'),
       ops.follow_table('ops.flags_flag_users', 'flags'), ops.audit_table('ops.flags_flag', 'flag'),
       -- A group's name is what rules compare with: a new name is new configuration.
       ops.follow_table('ops.auth_group', 'flags'),
       ops.follow_table('ops.flags_segment', 'flags'), ops.audit_table('ops.flags_segment', 'segment');

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

CREATE OR REPLACE VIEW ops_v1.segment AS SELECT name, constraints FROM ops.flags_segment;
-- backend: GRANT SELECT ON ops_v1.segment

-- How often each name was asked for, an hour a row; backends add to it. Facts: no revision, no notification.
CREATE OR REPLACE VIEW ops_v1.flag_usage AS
SELECT flag, hour, service, variant, result, count, last_at FROM ops.flags_usage;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.flag_usage

-- Who was seen; an upsert that merges has to read what it merges with.
CREATE OR REPLACE VIEW ops_v1.flag_presence AS
SELECT user_id, seen_at, service, attributes FROM ops.flags_presence;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.flag_presence
