-- Who follows the configuration: each process reports itself every few seconds.
CREATE OR REPLACE VIEW ops_v1.instance AS
SELECT id, service, kind, host, pid, version, client_version, contract, revision, snapshot_source, problems,
       started_at, seen_at, flag_defaults, dropped
FROM ops.contract_instance;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.instance
