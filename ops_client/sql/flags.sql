-- name: flags
SELECT name, everyone, percent, testing, superusers, staff, authenticated, languages, groups, users, rules,
       archived, version
FROM ops_v1.flag

-- name: segments
SELECT name, constraints FROM ops_v1.segment
