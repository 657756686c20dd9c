-- Quotas: every decision is one function of the contract, by the database's clock.

-- name: quota_resources
SELECT name, kind, window_seconds, default_limit, allow_unlimited, failure_policy, ttl_seconds,
       cost, warn_percent, nearly_percent, deadline_ms, unit
FROM ops_v1.quota_resource

-- name: quota_hit
SELECT kind, limit_value, source, policy, shadow, allowed, window_seconds, used, reset_seconds, retry_seconds, cost,
       trial_limit
FROM ops_v1.quota_hit(%(resource)s, %(user_id)s, %(tier)s, %(cost)s)

-- name: quota_hit_and_lease
SELECT kind, limit_value, source, policy, shadow, allowed, window_seconds, used, reset_seconds, retry_seconds, cost,
       trial_limit, granted, lease_seconds, newest
FROM ops_v1.quota_hit(%(resource)s, %(user_id)s, %(tier)s, %(cost)s, %(wanted)s, %(back_bucket)s, %(back)s)

-- name: quota_give_back
SELECT ops_v1.quota_give_back(%(resources)s::text[], %(users)s::text[], %(buckets)s::bigint[], %(amounts)s::bigint[])

-- name: quota_reserve
SELECT kind, limit_value, source, policy, shadow, allowed, used, cost, trial_limit
FROM ops_v1.quota_reserve(%(resource)s, %(user_id)s, %(tier)s, %(cost)s, %(id)s)

-- name: quota_commit
SELECT ops_v1.quota_commit(%(id)s, %(actual)s) AS done

-- name: quota_release
SELECT ops_v1.quota_release(%(id)s) AS done

-- name: quota_free
SELECT ops_v1.quota_free(%(resource)s, %(user_id)s, %(amount)s)

-- name: quota_consume
SELECT kind, limit_value, source, policy, shadow, allowed, used, reset_seconds, cost, trial_limit
FROM ops_v1.quota_consume(%(resource)s, %(user_id)s, %(tier)s, %(cost)s)

-- name: quota_take
SELECT kind, limit_value, source, policy, shadow, allowed, used, ttl_seconds, cost, trial_limit
FROM ops_v1.quota_take(%(resource)s, %(user_id)s, %(tier)s, %(id)s, %(service)s)

-- name: quota_all
SELECT answer FROM ops_v1.quota_all(%(user_id)s, %(tier)s, %(service)s, %(uses)s) AS answer

-- name: quota_keep
SELECT holder FROM ops_v1.quota_keep(%(holders)s) AS holder

-- name: quota_leave
SELECT ops_v1.quota_leave(%(id)s) AS done

-- name: quota_usage
SELECT resource, title, unit, kind, limit_value, source, policy, shadow, used, window_seconds, resets_at,
       warn_percent, nearly_percent
FROM ops_v1.quota_usage(%(user_id)s, %(tier)s)

-- name: quota_report_refusals
SELECT ops_v1.quota_report_refusals(%(service)s, %(refused)s)

-- name: quota_report_peaks
SELECT ops_v1.quota_report_peaks(%(resources)s::text[], %(users)s::text[], %(tiers)s::text[], %(sources)s::text[],
                                 %(limits)s::bigint[], %(peaks)s::bigint[])

-- name: quota_report_failures
-- Counted into the hour in which they are told: while they happened nobody could be asked what time it was.
INSERT INTO ops_v1.quota_failure AS f (resource, hour, service, failure_policy, count, late)
VALUES (%(resource)s, date_trunc('hour', now()), %(service)s, %(failure_policy)s, %(count)s, %(late)s)
ON CONFLICT (resource, hour, service, failure_policy) DO UPDATE
SET count = f.count + excluded.count, late = f.late + excluded.late

-- name: quota_claim_recount
SELECT id, resource, user_id FROM ops_v1.quota_claim_recount(%(measurable)s::text[], %(holder)s)

-- name: quota_measured
SELECT ops_v1.quota_measured(%(id)s, %(holder)s, %(users)s::text[], %(totals)s::bigint[]) AS held

-- name: quota_finish_recount
SELECT ops_v1.quota_finish_recount(%(id)s, %(holder)s, %(failure)s) AS held
