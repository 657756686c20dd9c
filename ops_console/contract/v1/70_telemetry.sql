-- Calls to providers, added up by the minute. Facts, not configuration: no revision, no notification.
CREATE OR REPLACE VIEW ops_v1.provider_minute AS
SELECT provider, minute_at, service, attempts, failures, slow, final_calls, final_failures, refused
FROM ops.telemetry_providerminute;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.provider_minute
