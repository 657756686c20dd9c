-- name: flags
SELECT name, everyone, percent, testing, superusers, staff, authenticated, languages, groups, users, rules,
       archived, version, variants, prerequisites, on_at, off_at
FROM ops_v1.flag

-- name: flag_digests
SELECT name, digest FROM ops_v1.flag_digest

-- name: flags_named
SELECT name, everyone, percent, testing, superusers, staff, authenticated, languages, groups, users, rules,
       archived, version, variants, prerequisites, on_at, off_at
FROM ops_v1.flag WHERE name = ANY (%(names)s::text[])

-- name: segments
SELECT name, constraints FROM ops_v1.segment

-- name: add_flag_usage
-- Added up in the order of the key, so that processes which add to the same rows never wait for each other in a ring.
INSERT INTO ops_v1.flag_usage AS kept (flag, hour, service, variant, result, count, last_at)
SELECT asked.flag, date_trunc('hour', now(), 'UTC'), %(service)s, asked.variant, asked.result, asked.count, now()
FROM unnest(%(flags)s::text[], %(variants)s::text[], %(results)s::boolean[], %(counts)s::bigint[])
     AS asked (flag, variant, result, count)
ORDER BY asked.flag COLLATE "C", asked.variant COLLATE "C", asked.result
ON CONFLICT (flag, hour, service, variant, result) DO UPDATE
SET count = kept.count + excluded.count, last_at = greatest(kept.last_at, excluded.last_at)

-- name: note_flag_presence
-- Somebody whom another process has just written, with nothing new to tell, is not written again.
INSERT INTO ops_v1.flag_presence AS kept (user_id, seen_at, service, attributes)
SELECT seen.user_id, now(), %(service)s, seen.attributes
FROM jsonb_to_recordset(%(seen)s) AS seen (user_id text, attributes jsonb)
ORDER BY seen.user_id COLLATE "C"
ON CONFLICT (user_id) DO UPDATE
SET seen_at = excluded.seen_at, service = excluded.service, attributes = kept.attributes || excluded.attributes
WHERE kept.seen_at < excluded.seen_at - interval '30 seconds' OR NOT kept.attributes @> excluded.attributes
