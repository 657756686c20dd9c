-- name: flags
SELECT name, everyone, percent, testing, superusers, staff, authenticated, languages, groups, users, rules,
       archived, version, variants, prerequisites, on_at, off_at
FROM ops_v1.flag

-- name: segments
SELECT name, constraints FROM ops_v1.segment
