-- Breakers: the shared state, the moves by compare-and-set, and what each process saw.

-- name: breakers
SELECT name, config, status, epoch, since, probe_until, override_mode, override_expires_at, database_at
FROM ops_v1.breaker

-- name: register_breaker
SELECT ops_v1.register_breaker(%(breaker)s, %(config)s)

-- name: move_breaker
-- No epoch in the answer: somebody else was first.
SELECT ops_v1.move_breaker(
    %(breaker)s, %(epoch)s, %(status)s, %(cause)s, %(service)s, %(instance)s
) AS epoch

-- name: take_probe
SELECT ops_v1.take_probe(%(breaker)s, %(epoch)s, %(service)s, %(instance)s) AS epoch

-- name: report_breakers
INSERT INTO ops_v1.breaker_report (breaker, instance_id, status, epoch, calls, failures, slow, reported_at)
SELECT name, %(instance)s, status, epoch, calls, failures, slow, clock_timestamp()
FROM jsonb_to_recordset(%(rows)s) AS mine (
    name text, status text, epoch bigint, calls int, failures int, slow int
)
ON CONFLICT (breaker, instance_id) DO UPDATE SET
    status = excluded.status, epoch = excluded.epoch, calls = excluded.calls, failures = excluded.failures,
    slow = excluded.slow, reported_at = excluded.reported_at

-- name: breaker_reports
-- What living processes see, in the epoch that stands; a process that stopped reporting has no say.
SELECT report.breaker AS name, report.instance_id = %(instance)s AS own, report.status, report.calls,
       report.failures, report.slow
FROM ops_v1.breaker_report report
JOIN ops_v1.breaker ON breaker.name = report.breaker AND breaker.epoch = report.epoch
JOIN ops_v1.instance ON instance.id = report.instance_id
WHERE report.breaker = ANY(%(names)s) AND instance.is_live

-- name: add_provider_minutes
-- Additive, so that any number of processes and any order of flushes make one sum. Ages are of this process's
-- own clock, the minute is the database's.
INSERT INTO ops_v1.provider_minute AS kept (
    provider, minute_at, service, attempts, failures, slow, final_calls, final_failures, refused
)
SELECT provider, date_trunc('minute', clock_timestamp() - make_interval(secs => age_seconds)), %(service)s,
       attempts, failures, slow, final_calls, final_failures, refused
FROM jsonb_to_recordset(%(rows)s) AS mine (
    provider text, age_seconds float, attempts bigint, failures bigint, slow bigint, final_calls bigint,
    final_failures bigint, refused bigint
)
-- In one order in every process: two that lock the same rows crosswise would deadlock.
ORDER BY 1, 2
ON CONFLICT (provider, minute_at, service) DO UPDATE SET
    attempts = kept.attempts + excluded.attempts, failures = kept.failures + excluded.failures,
    slow = kept.slow + excluded.slow, final_calls = kept.final_calls + excluded.final_calls,
    final_failures = kept.final_failures + excluded.final_failures, refused = kept.refused + excluded.refused
