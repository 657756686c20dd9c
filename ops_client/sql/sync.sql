-- What every process asks of the contract, whatever it uses of the client.

-- name: revision
SELECT revision, token FROM ops_v1.revision

-- name: report_instance
-- One row a process; seen_at is the database's time, so that clocks of many hosts need not agree.
INSERT INTO ops_v1.instance (
    id, service, kind, host, pid, version, client_version, contract,
    revision, token, snapshot_source, problems, started_at, seen_at, flag_defaults, dropped, has_session
) VALUES (
    %(id)s, %(service)s, 'backend', %(host)s, %(pid)s, %(version)s, %(client_version)s, 'v1',
    %(revision)s, %(token)s, %(snapshot_source)s, %(problems)s, %(started_at)s, now(),
    %(flag_defaults)s, %(dropped)s, %(has_session)s
)
ON CONFLICT (id) DO UPDATE SET
    revision = excluded.revision, token = excluded.token, snapshot_source = excluded.snapshot_source,
    problems = excluded.problems, seen_at = excluded.seen_at,
    flag_defaults = excluded.flag_defaults, dropped = excluded.dropped,
    has_session = excluded.has_session

-- name: end_instance
-- The first end counts: a process that crashes while it closes has crashed.
UPDATE ops_v1.instance SET ended_at = now(), ended_as = %(ended_as)s WHERE id = %(id)s AND ended_at IS NULL
RETURNING id

-- name: hold_session
-- Run on the session that listens: its end proves that the process is gone (see the view ops_v1.instance).
SELECT ops_v1.hold_session(%(id)s) AS held
