-- Commands of the console to this backend, and signs of life from it.

-- name: claim_command
SELECT id, kind, verb, reason, operations
FROM ops_v1.claim_command(%(wanted)s::text[], %(holder)s::uuid, %(lease_seconds)s::integer)

-- name: ack_command
SELECT ops_v1.ack_command(
    %(id)s::bigint, %(holder)s::uuid, %(results)s::jsonb, %(ending)s::text, %(error)s::text, %(lease_seconds)s::integer
) AS held

-- name: prolong_command
SELECT ops_v1.prolong_command(%(id)s::bigint, %(holder)s::uuid, %(lease_seconds)s::integer) AS held

-- name: operation_heartbeat
SELECT ops_v1.heartbeat(%(kind)s::text, %(operation_id)s::text)

-- name: operation_queue
SELECT ops_v1.operation_queue(%(operation)s::jsonb) AS is_new

-- name: operation_start
SELECT held, version, attempt, status, resources FROM ops_v1.operation_start(%(operation)s::jsonb)

-- name: operation_sign
SELECT kind, operation_id, version, status FROM ops_v1.operation_sign(%(signs)s::jsonb)

-- name: operation_resources
SELECT ops_v1.operation_resources(%(operation)s::jsonb) AS held

-- name: operation_finish
SELECT held, version, status FROM ops_v1.operation_finish(%(operation)s::jsonb)
