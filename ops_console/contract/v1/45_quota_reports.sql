-- What backends tell of their decisions, in batches: refusals, the most that was used, decisions without this database.

DROP VIEW IF EXISTS ops_v1.quota_refusal;

-- Why somebody was limited. Like refusals of ten minutes are one row. Whoever is refused in a loop, or from a thousand
-- addresses, keeps 200 rows at most, and all together 200,000: the oldest go as new ones come.
CREATE OR REPLACE FUNCTION ops_v1.quota_report_refusals(by_service text, refused jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    each record;
    known bigint;
BEGIN
    FOR each IN
        SELECT * FROM jsonb_to_recordset(refused) AS r(
            resource text, user_id text, route text, key text, client text, request_id text, limit_value bigint,
            source text, policy text, shadow boolean, count bigint)
    LOOP
        SELECT q.id INTO known FROM ops.quotas_refusal q
        WHERE q.user_id = each.user_id AND q.resource = each.resource AND q.route = each.route
            AND q.policy = each.policy AND q.shadow = each.shadow AND q.service = by_service
            AND q.first_at > clock_timestamp() - interval '10 minutes'
        ORDER BY q.id DESC LIMIT 1;
        IF FOUND THEN
            UPDATE ops.quotas_refusal q
            SET at = clock_timestamp(), count = least(q.count + each.count, 2147483647), key = each.key,
                client = each.client, request_id = each.request_id, "limit" = each.limit_value, source = each.source
            WHERE q.id = known;
        ELSE
            INSERT INTO ops.quotas_refusal (resource, user_id, service, route, key, client, request_id, "limit", source,
                                            policy, shadow, count)
            VALUES (each.resource, each.user_id, by_service, each.route, each.key, each.client, each.request_id,
                    each.limit_value, each.source, each.policy, each.shadow, least(each.count, 2147483647));
            DELETE FROM ops.quotas_refusal q WHERE q.user_id = each.user_id AND q.id < (
                SELECT o.id FROM ops.quotas_refusal o WHERE o.user_id = each.user_id ORDER BY o.id DESC OFFSET 199 LIMIT 1
            );
        END IF;
    END LOOP;
    DELETE FROM ops.quotas_refusal q WHERE q.id <= (SELECT max(o.id) - 200000 FROM ops.quotas_refusal o);
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_report_refusals(text, jsonb) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_report_refusals(text, jsonb)

-- The most that users had used, by the hour: what a new limit is tried on. In the order of the rows, for no two
-- processes to wait for each other.
CREATE OR REPLACE FUNCTION ops_v1.quota_report_peaks(
    resources text[], users text[], tiers text[], sources text[], limits bigint[], peaks bigint[]
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
INSERT INTO ops.quotas_peak AS p (resource, user_id, hour, tier, source, "limit", peak)
SELECT u.resource, u.user_id, date_trunc('hour', clock_timestamp(), 'UTC'), u.tier, u.source, u.limit_value, u.peak
FROM unnest(resources, users, tiers, sources, limits, peaks) AS u(resource, user_id, tier, source, limit_value, peak)
ORDER BY 1, 2
ON CONFLICT (resource, user_id, hour) DO UPDATE
SET tier = excluded.tier, source = excluded.source, "limit" = excluded."limit",
    peak = greatest(p.peak, excluded.peak)
$$;
REVOKE ALL ON FUNCTION ops_v1.quota_report_peaks(text[], text[], text[], text[], bigint[], bigint[]) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_report_peaks(text[], text[], text[], text[], bigint[], bigint[])

CREATE OR REPLACE VIEW ops_v1.quota_failure AS
SELECT resource, hour, service, failure_policy, count, late FROM ops.quotas_failure;
-- backend: GRANT SELECT, INSERT, UPDATE ON ops_v1.quota_failure
