-- Quotas: every decision is one function of the contract, by the database's clock.

-- name: quota_resources
SELECT name, kind, window_seconds, default_limit, allow_unlimited, failure_policy, ttl_seconds
FROM ops_v1.quota_resource

-- name: quota_hit
SELECT kind, limit_value, source, policy, shadow, allowed, window_seconds, newest, counts, now_seconds
FROM ops_v1.quota_hit(%(resource)s, %(user_id)s, %(tier)s, %(cost)s)

-- name: quota_reserve
SELECT kind, limit_value, source, policy, shadow, allowed, used
FROM ops_v1.quota_reserve(%(resource)s, %(user_id)s, %(tier)s, %(cost)s, %(id)s)

-- name: quota_commit
SELECT ops_v1.quota_commit(%(id)s, %(actual)s) AS done

-- name: quota_release
SELECT ops_v1.quota_release(%(id)s) AS done

-- name: quota_free
SELECT ops_v1.quota_free(%(resource)s, %(user_id)s, %(amount)s)

-- name: quota_consume
SELECT kind, limit_value, source, policy, shadow, allowed, used, reset_seconds
FROM ops_v1.quota_consume(%(resource)s, %(user_id)s, %(tier)s, %(cost)s)

-- name: quota_take
SELECT kind, limit_value, source, policy, shadow, allowed, used, ttl_seconds
FROM ops_v1.quota_take(%(resource)s, %(user_id)s, %(tier)s, %(id)s, %(service)s)

-- name: quota_keep
SELECT holder FROM ops_v1.quota_keep(%(holders)s) AS holder

-- name: quota_leave
SELECT ops_v1.quota_leave(%(id)s) AS done

-- name: quota_usage
SELECT resource, title, unit, kind, limit_value, source, policy, shadow, used, window_seconds, resets_at
FROM ops_v1.quota_usage(%(user_id)s, %(tier)s)

-- name: quota_report_refusal
INSERT INTO ops_v1.quota_refusal
    (resource, user_id, service, route, key, client, request_id, limit_value, source, policy, shadow, count)
VALUES (%(resource)s, %(user_id)s, %(service)s, %(route)s, %(key)s, %(client)s, %(request_id)s, %(limit)s,
        %(source)s, %(policy)s, %(shadow)s, %(count)s)

-- name: quota_report_failures
-- Counted into the hour in which they are told: while they happened nobody could be asked what time it was.
INSERT INTO ops_v1.quota_failure AS f (resource, hour, service, failure_policy, count)
VALUES (%(resource)s, date_trunc('hour', now()), %(service)s, %(failure_policy)s, %(count)s)
ON CONFLICT (resource, hour, service, failure_policy) DO UPDATE SET count = f.count + excluded.count
