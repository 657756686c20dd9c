-- What every process asks of the contract, whatever it uses of the client.

-- name: revision
SELECT revision FROM ops_v1.revision

-- name: report_instance
-- One row a process; seen_at is the database's time, so that clocks of many hosts need not agree.
INSERT INTO ops_v1.instance (
    id, service, kind, host, pid, version, client_version, contract,
    revision, snapshot_source, problems, started_at, seen_at, flag_defaults, dropped
) VALUES (
    %(id)s, %(service)s, 'backend', %(host)s, %(pid)s, %(version)s, %(client_version)s, 'v1',
    %(revision)s, %(snapshot_source)s, %(problems)s, %(started_at)s, now(),
    %(flag_defaults)s, %(dropped)s
)
ON CONFLICT (id) DO UPDATE SET
    revision = excluded.revision, snapshot_source = excluded.snapshot_source,
    problems = excluded.problems, seen_at = excluded.seen_at,
    flag_defaults = excluded.flag_defaults, dropped = excluded.dropped
