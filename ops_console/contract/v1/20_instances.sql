-- Who follows the configuration: each process reports itself every few seconds, and says when it ends.

-- Key of the advisory lock that the listening session of a process holds. The server drops the lock with the session,
-- so a missing lock proves that a silent process is gone, whatever ended it.
CREATE OR REPLACE FUNCTION ops_v1.instance_lock_key(instance uuid) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtext(instance::text) & 2147483647 $$;

-- False where another session holds the same key exclusively, which no part of the contract does.
CREATE OR REPLACE FUNCTION ops_v1.hold_session(instance uuid) RETURNS boolean
LANGUAGE sql AS $$ SELECT pg_try_advisory_lock_shared(1869640563, ops_v1.instance_lock_key(instance)) $$;

-- `state`: 'live' (reported within 15 s), 'ended' (closed cleanly), 'crashed' (ended by an error, or its session is gone
-- without a clean end) or 'silent' (neither reports nor is known to have ended: frozen, or cut off from the database).
-- `has_session`: the process held the lock above when it last reported; without it a crash shows as silence.
CREATE OR REPLACE VIEW ops_v1.instance AS
SELECT id, service, kind, host, pid, version, client_version, contract, revision, snapshot_source, problems,
       started_at, seen_at, flag_defaults, dropped, ended_at, ended_as, has_session,
       CASE
           WHEN ended_as = 'closed' THEN 'ended'
           WHEN ended_as = 'crashed' THEN 'crashed'
           WHEN seen_at >= now() - interval '15 seconds' THEN 'live'
           WHEN has_session AND ops_v1.instance_lock_key(id) NOT IN (
               SELECT objid::bigint FROM pg_locks
               WHERE locktype = 'advisory' AND classid = 1869640563 AND objsubid = 2
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           ) THEN 'crashed'
           ELSE 'silent'
       END AS state,
       -- The same as state = 'live', without a look at the server's locks where others are silent.
       ended_as = '' AND seen_at >= now() - interval '15 seconds' AS is_live, token
FROM ops.contract_instance;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.instance

-- The same as the console shows it. `behind`: it lives and lacks a revision that has had the time to propagate, or has
-- one of another server: a higher number, or another token for the same. `applied`: it has what is in force.
-- `replaced`: a process of its service started after this one was last seen, so its loss needs no attention.
CREATE OR REPLACE VIEW ops.process AS
WITH newest AS (
    SELECT service, kind, max(started_at) AS started_at FROM ops.contract_instance GROUP BY service, kind
)
SELECT i.id, i.service, i.kind, i.host, i.pid, i.version, i.client_version, i.contract, i.revision, i.snapshot_source,
       i.problems, i.started_at, i.seen_at, i.state, r.revision - i.revision AS lag,
       i.kind = 'backend' AND i.state = 'live' AND NOT (
           coalesce(i.revision BETWEEN r.settled_revision AND r.revision, false)
           AND (i.revision < r.revision OR i.token IS NOT DISTINCT FROM r.token)
       ) AS behind,
       n.started_at > i.seen_at AS replaced, i.dropped,
       i.revision IS NOT DISTINCT FROM r.revision AND i.token IS NOT DISTINCT FROM r.token AS applied
FROM ops_v1.instance i
JOIN newest n ON n.service = i.service AND n.kind = i.kind
CROSS JOIN ops_v1.revision r;
